import { createHash } from "node:crypto";

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
details{border:1px solid #d0d7de;border-radius:6px;margin:.5rem 0;padding:.5rem 1rem}summary{cursor:pointer}
code,pre,textarea,input{font:13px/1.45 ui-monospace,monospace}pre{background:#f6f8fa;padding:.75rem;overflow:auto;border-radius:6px}
textarea{width:100%;min-height:8rem;box-sizing:border-box}label{display:block;margin:.5rem 0}input{width:100%;box-sizing:border-box}
.method{display:inline-block;min-width:3.5rem;font-weight:600}button{padding:.3rem 1rem}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre{background:#161b22}details{border-color:#30363d}}`;

const SCRIPT = `
const el=(name,props={},...children)=>{const e=Object.assign(document.createElement(name),props);e.append(...children);return e};
const main=document.querySelector("main");
const example=(schema,doc,depth=0)=>{
  if(!schema||depth>6)return null;
  if(schema.$ref)return example(doc.components.schemas[schema.$ref.split("/").pop()],doc,depth+1);
  if(schema.example!==undefined)return schema.example;
  if(schema.enum)return schema.enum[0];
  if(schema.anyOf)return example(schema.anyOf[0],doc,depth+1);
  if(schema.type==="object")return Object.fromEntries(Object.entries(schema.properties??{}).map(([k,v])=>[k,example(v,doc,depth+1)]));
  if(schema.type==="array")return[example(schema.items,doc,depth+1)];
  return{string:"",integer:0,number:0,boolean:false}[schema.type]??null;
};
const operation=(doc,path,method,op,token)=>{
  const fields=(op.parameters??[]).map(p=>({p,input:el("input",{placeholder:p.in})}));
  const media=op.requestBody&&Object.entries(op.requestBody.content)[0];
  const body=media&&el("textarea",{value:JSON.stringify(example(media[1].schema,doc),null,2)});
  const out=el("pre",{textContent:"",hidden:true});
  const send=el("button",{textContent:"Try it",onclick:async()=>{
    let url=path;const query=new URLSearchParams();const headers={};
    for(const{p,input}of fields){if(!input.value)continue;
      if(p.in==="path")url=url.replace("{"+p.name+"}",encodeURIComponent(input.value));
      else if(p.in==="query")query.set(p.name,input.value);else headers[p.name]=input.value}
    if(op.security)headers.authorization="Bearer "+token.value;
    if(media)headers["content-type"]=media[0];
    const answer=await fetch(url+(query.size?"?"+query:""),{method:method.toUpperCase(),headers,body:body?.value});
    const type=answer.headers.get("content-type")??"";
    let text=type.includes("json")||type.startsWith("text")?await answer.text():(await answer.arrayBuffer()).byteLength+" octets of "+type;
    try{text=JSON.stringify(JSON.parse(text),null,2)}catch{}
    out.hidden=false;out.textContent=answer.status+" "+answer.statusText+"\\n\\n"+text;
  }});
  return el("details",{},el("summary",{},el("span",{className:"method",textContent:method.toUpperCase()}),el("code",{textContent:path})," ",op.summary??""),
    ...fields.map(({p,input})=>el("label",{},p.name,input)),...(body?[body]:[]),send,out);
};
fetch("/openapi.json").then(r=>r.json()).then(doc=>{
  const token=el("input",{type:"password",autocomplete:"off"});
  main.replaceChildren(el("h1",{textContent:doc.info.title}),el("p",{textContent:doc.info.description}),
    el("p",{},"Machine-readable: ",el("a",{href:"/openapi.json",textContent:"/openapi.json"})),
    el("label",{},"Admin token, for the operations that need it (kept in this page only)",token));
  for(const[path,methods]of Object.entries(doc.paths))for(const[method,op]of Object.entries(methods))main.append(operation(doc,path,method,op,token));
});`;

const digest = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The page runs its own script and style, talks to this origin, and nothing else. */
export const DOCS_PAGE_POLICY = `default-src 'none'; connect-src 'self'; script-src ${digest(SCRIPT)}; style-src ${digest(STYLE)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** A page to read and try the HTTP interface, made from /openapi.json in the browser, without anything from elsewhere. */
export const DOCS_PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>MLS Authentication Service</title><style>${STYLE}</style></head><body><main>Loading…</main><script>${SCRIPT}</script></body></html>`;
