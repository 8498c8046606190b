import { describe, expect, test } from "vitest";
import { libraryPath } from "./pkcs11-module.js";
import { formatPkcs11Uri, parsePkcs11Uri } from "./pkcs11-uri.js";

describe("RFC 7512, examples of pkcs11 URIs", () => {
  test.each([
    ["pkcs11:", {}],
    ["pkcs11:object=my-pubkey;type=public", { object: "my-pubkey", type: "public" }],
    [
      "pkcs11:object=my-key;type=private?pin-source=file:/etc/token",
      { object: "my-key", type: "private", pinFile: "/etc/token" },
    ],
    [
      "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
      {
        token: "The Software PKCS#11 Softtoken",
        manufacturer: "Snake Oil, Inc.",
        model: "1.0",
        object: "my-certificate",
        type: "cert",
        id: Uint8Array.of(0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91),
        serial: "",
        pinFile: "/etc/token_pin",
      },
    ],
    [
      "pkcs11:object=my-sign-key;type=private?module-name=mypkcs11",
      { object: "my-sign-key", type: "private", moduleName: "mypkcs11" },
    ],
    [
      "pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1",
      { object: "my-sign-key", type: "private", modulePath: "/mnt/libmypkcs11.so.1" },
    ],
    [
      "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=the-pin",
      { token: "Software PKCS#11 softtoken", manufacturer: "Snake Oil, Inc.", pinValue: "the-pin" },
    ],
    ["pkcs11:slot-description=Sun%20Metaslot", { slotDescription: "Sun Metaslot" }],
    [
      "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23",
      { libraryManufacturer: "Snake Oil, Inc.", libraryDescription: "Soft Token Library", libraryVersion: "1.23" },
    ],
    [
      "pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;id=%01%02%03%Ba%dd%Ca%fe%04%05%06",
      {
        token: "My token% created by Joe",
        libraryVersion: "3",
        id: Uint8Array.of(1, 2, 3, 0xba, 0xdd, 0xca, 0xfe, 4, 5, 6),
      },
    ],
    [
      "pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert",
      { token: "A name with a substring %;", object: "my-certificate", type: "cert" },
    ],
    [
      "pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=x",
      { token: "Name with a small A with acute: á", object: "x" },
    ],
    ["pkcs11:slot-id=7?x-muppet=cookie^", undefined],
    ["pkcs11:slot-id=7?x-muppet=cookie", { slotId: 7 }],
    ["PKCS11:token=a&b", { token: "a&b" }],
  ])("%s", (uri, expected) => {
    if (expected === undefined) expect(() => parsePkcs11Uri(uri)).toThrow();
    else expect(parsePkcs11Uri(uri)).toEqual(expected);
  });
});

test.each([
  ["", ""],
  ["file:/keys", ""],
  ["pkcs12:token=a", ""],
  ["pkcs11:token", "token"],
  ["pkcs11:=a", "=a"],
  ["pkcs11:token=a;token=b", "token"],
  ["pkcs11:token=a;", ""],
  ["pkcs11:token=a b", "token"],
  ["pkcs11:token=a%2", "token"],
  ["pkcs11:token=%ff", "token"],
  ["pkcs11:token=a%00b", "token"],
  ["pkcs11:token=a/b", "token"],
  ["pkcs11:vendor=x", "vendor"],
  ["pkcs11:constructor=x", "constructor"],
  ["pkcs11:type=rsa", "type"],
  ["pkcs11:slot-id=0x1", "slot-id"],
  ["pkcs11:token=a?pin-value=1&pin-value=2", "pin-value"],
  ["pkcs11:token=a?pin-value=1&pin-source=/p", "pin-value"],
  ["pkcs11:token=a?pin-source=|cat", "pin-source"],
  ["pkcs11:token=a?pin-source=%7ccat", "pin-source"],
  ["pkcs11:token=a?pin-source=pin", "pin-source"],
  ["pkcs11:token=a?pin-source=file://elsewhere/pin", "pin-source"],
  ["pkcs11:token=a?module-path=lib.so", "module-path"],
  ["pkcs11:token=a?module-name=../lib", "module-name"],
  ["pkcs11:token=a?module-path=/a#b", "module-path"],
])("refuses %s, naming %s", (uri, path) => {
  expect(() => parsePkcs11Uri(uri)).toThrow(expect.objectContaining({ code: "uri-invalid", path }));
});

test("what is formatted is parsed back, and holds no PIN", () => {
  const uri = {
    token: "my token;?%",
    serial: "a/b",
    object: "é",
    id: Uint8Array.of(0, 0x41, 255),
    type: "private",
  } as const;
  expect(parsePkcs11Uri(formatPkcs11Uri(uri))).toEqual(uri);
  expect(formatPkcs11Uri(parsePkcs11Uri("pkcs11:token=a?pin-value=secret"))).toBe("pkcs11:token=a");
});

test("without a library in the URI the environment's counts, and without that the error says what to do", async () => {
  expect(await libraryPath({}, "/usr/lib/token.so")).toBe("/usr/lib/token.so");
  await expect(libraryPath({}, "")).rejects.toThrow(/module-path.*PKCS11_MODULE/);
});
