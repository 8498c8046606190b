import { assert, property, stringMatching } from "fast-check";
import { describe, expect, it } from "vitest";
import { lookAlikes, type LookAlike } from "./look-alike.js";

const at = (user: string, domain = "example.org"): string => `mimi://${domain}/u/${user}`;

describe("look-alikes", () => {
  const cases: [string, string, LookAlike[]][] = [
    [at("alice"), at("alice"), []],
    [at("alice"), at("bob"), []],
    [at("a1ice"), at("alice"), ["similar-name"]],
    [at("aiice"), at("alice"), ["similar-name"]],
    [at("rnike"), at("mike"), ["similar-name"]],
    [at("vvill"), at("will"), ["similar-name"]],
    [at("b0b"), at("bob"), ["similar-name"]],
    [at("al.ice"), at("alice"), ["similar-name"]],
    [at("ali-ce_"), at("alice"), ["similar-name"]],
    [at("alice", "example.net"), at("alice"), ["same-name-elsewhere"]],
    [at("alice", "examp1e.org"), at("alice"), ["same-name-elsewhere", "similar-domain"]],
    [at("alice", "xn--exmple-cua.org"), at("alice"), ["same-name-elsewhere", "internationalised-domain"]],
    [at("bob", "examp1e.org"), at("alice"), []],
    [at("a1ice", "example.net"), at("alice"), ["similar-name"]],
  ];
  it.each(cases)("%s beside %s", (user, known, expected) => {
    expect(lookAlikes(user, known)).toEqual(expected);
  });

  it("is the same from either side", () => {
    const name = stringMatching(/^[a-z0-9][a-z0-9._~-]{0,6}$/).filter((text) => !/^\.+$/.test(text));
    assert(
      property(name, name, (a, b) => {
        expect(lookAlikes(at(a), at(b))).toEqual(lookAlikes(at(b), at(a)));
      }),
    );
  });
});
