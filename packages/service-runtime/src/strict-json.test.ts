import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { type JsonError, parseStrictJson, strictJsonBody } from "./strict-json.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("refused", () => {
  test.each<[string, Uint8Array, string, string]>([
    ["a name twice", utf8('{"a":1,"a":2}'), "duplicate-key", "a"],
    ["a name twice, once escaped", utf8('{"ab":1,"\\u0061b":2}'), "duplicate-key", "ab"],
    ["deep inside", utf8('{"x":[{"y":1},{"z":{"k":1,"m":[1,2],"k":2}}]}'), "duplicate-key", "x[1].z.k"],
    ["after a nested object", utf8('{"a":{"a":1},"b":2,"a":3}'), "duplicate-key", "a"],
    ["__proto__ twice", utf8('{"__proto__":1,"__proto__":2}'), "duplicate-key", "__proto__"],
    ["a byte order mark", Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), "byte-order-mark", ""],
    ["Latin-1", Uint8Array.of(0x22, 0xe4, 0x22), "invalid-utf-8", ""],
    ["an overlong sequence", Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), "invalid-utf-8", ""],
    ["an encoded surrogate", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), "invalid-utf-8", ""],
    ["half a surrogate pair", utf8('{"a":["\\ud800"]}'), "unpaired-surrogate", "a[0]"],
    ["half a surrogate pair in a name", utf8('{"\\udc00":1}'), "unpaired-surrogate", "\udc00"],
    ["nothing", utf8(""), "not-json", ""],
    ["a trailing comma", utf8('{"a":1,}'), "not-json", ""],
    ["a comment", utf8("{} // x"), "not-json", ""],
    ["NaN", utf8("[NaN]"), "not-json", ""],
    ["65 levels", utf8(`${"[".repeat(65)}${"]".repeat(65)}`), "too-deep", ""],
  ])("%s", (_name, bytes, code, path) => {
    expect(() => parseStrictJson(bytes)).toThrow(expect.objectContaining({ code, path }));
  });

  test("a hundred thousand levels and a long string without end, in time that grows with the length", () => {
    expect(() => parseStrictJson(utf8("[".repeat(100_000)))).toThrow(expect.objectContaining({ code: "not-json" }));
    expect(() => parseStrictJson(utf8(`${"[".repeat(100_000)}${"]".repeat(100_000)}`))).toThrow(
      expect.objectContaining({ code: "too-deep" }),
    );
    expect(() => parseStrictJson(utf8(`"${'\\"'.repeat(500_000)}`))).toThrow(
      expect.objectContaining({ code: "not-json" }),
    );
  });
});

test.each([
  '{"a":{"b":1},"c":{"b":2}}',
  '[{"a":1},{"a":2}]',
  '{"a":"a","b":"a"}',
  '{"a":"{\\"a\\":1,\\"a\\":2}"}',
  '["\\ud83d\\ude00","😀",",","[{"]',
  "null",
  `${"[".repeat(64)}${"]".repeat(64)}`,
])("accepted, with the value of JSON.parse: %s", (text) => {
  expect(parseStrictJson(utf8(text))).toEqual(JSON.parse(text));
});

test("as middleware: bodies of JSON are read strictly, and handlers can still read them", async () => {
  const app = new Hono();
  app.use(strictJsonBody(({ code, path }: JsonError) => new Error(`${code} at ${path}`)));
  app.onError((error, c) => c.text(error.message, 400));
  app.post("/", async (c) => c.json(await c.req.json()));
  const post = (body: string, type: string): Response | Promise<Response> =>
    app.request("/", { method: "POST", body, headers: { "content-type": type } });
  expect(await (await post('{"a":1}', "application/json")).json()).toEqual({ a: 1 });
  for (const type of ["application/json", "Application/JSON; charset=utf-8", "application/jose+json"])
    expect(await (await post('{"a":1,"a":2}', type)).text()).toBe("duplicate-key at a");
});
