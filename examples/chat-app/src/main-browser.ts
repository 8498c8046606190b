import { Account } from "./account.js";
import { Conversation } from "./conversation.js";
import { safetyNumberOf } from "./safety.js";

/** The same app in a page: enrol, then look people up and talk to them. */
const element = <E extends HTMLElement>(id: string): E => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as E;
};
const valueOf = (id: string): string => element<HTMLInputElement>(id).value.trim();
const say = (text: string): void => {
  const line = document.createElement("li");
  line.textContent = text;
  element("log").append(line);
};

let account: Account | undefined;
let conversation: Conversation | undefined;

async function enrol(): Promise<void> {
  account = await Account.enrol(valueOf("service"), valueOf("client"), valueOf("token"));
  const until = new Date(account.credential.notAfter * 1000).toISOString().slice(0, 10);
  say(`enrolled as ${account.client}; logged, and good until ${until}`);
}

async function lookUp(): Promise<void> {
  if (account === undefined) throw new Error("enrol first");
  const contact = valueOf("contact");
  await account.refresh(account.user);
  const devices = await account.refresh(contact);
  say(`${contact} has ${devices.length} device${devices.length === 1 ? "" : "s"}: ${devices.join(", ")}`);
  say(`safety number: ${safetyNumberOf(account, [account.user, contact])}`);
  conversation = await Conversation.prepare(account, [account.user, contact]);
  await conversation.start(crypto.getRandomValues(new Uint8Array(16)));
  say("a conversation is open; add their device by its KeyPackage");
  for (const { kind, severity } of account.alerts()) say(`ALERT (${severity}): ${kind}`);
}

async function add(): Promise<void> {
  if (conversation === undefined) throw new Error("look somebody up first");
  const keyPackage = Uint8Array.from(atob(valueOf("key-package")), (character) => character.charCodeAt(0));
  const welcome = await conversation.add(keyPackage);
  say(`added; their Welcome: ${btoa(String.fromCharCode(...welcome))}`);
}

for (const [form, action] of Object.entries({ enrol, "look-up": lookUp, add }))
  element<HTMLFormElement>(form).addEventListener("submit", (event) => {
    event.preventDefault();
    action().catch((error: unknown) => say(`failed: ${error instanceof Error ? error.message : String(error)}`));
  });
say("ready");
