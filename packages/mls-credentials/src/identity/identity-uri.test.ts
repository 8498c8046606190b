import { describe, expect, it } from "vitest";
import { IdentityError, type IdentityErrorCode } from "./identity-error.js";
import {
  clientUri,
  identityBytes,
  identityFromBytes,
  isClientOf,
  parseClientUri,
  parseIdentity,
  parseUserUri,
  sameIdentity,
  userOfClient,
} from "./identity-uri.js";

const ALICE = "mimi://example.org/u/alice";
const PHONE = "mimi://example.org/d/alice/phone";

function codeOf(action: () => unknown): IdentityErrorCode {
  try {
    action();
  } catch (error) {
    if (error instanceof IdentityError) return error.code;
    throw error;
  }
  throw new Error("accepted");
}

describe("identity URIs", () => {
  it("parses users and clients", () => {
    expect(parseIdentity(ALICE)).toEqual({ kind: "user", uri: ALICE, domain: "example.org", user: "alice" });
    expect(parseClientUri(PHONE)).toMatchObject({ domain: "example.org", user: "alice", device: "phone" });
    expect(userOfClient(PHONE)).toBe(ALICE);
    expect(clientUri("a.b-c.example", "~x.y_z-1", "0")).toBe("mimi://a.b-c.example/d/~x.y_z-1/0");
    expect(parseUserUri("mimi://xn--bcher-kva.example/u/a").domain).toBe("xn--bcher-kva.example");
    expect(identityFromBytes(identityBytes(PHONE)).uri).toBe(PHONE);
  });

  const refused: [string, IdentityErrorCode][] = [
    ["", "identity-length"],
    [`mimi://example.org/u/${"a".repeat(240)}`, "identity-length"],
    ["mimi://example.org/u/al ice", "identity-not-ascii"],
    ["mimi://example.org/u/alicé", "identity-not-ascii"],
    ["MIMI://example.org/u/alice", "identity-scheme"],
    ["im:alice@example.org", "identity-scheme"],
    ["mimi:///u/alice", "identity-domain"],
    ["mimi://Example.org/u/alice", "identity-domain"],
    ["mimi://example.org./u/alice", "identity-domain"],
    ["mimi://example.org:443/u/alice", "identity-domain"],
    ["mimi://a@example.org/u/alice", "identity-domain"],
    ["mimi://localhost/u/alice", "identity-domain"],
    ["mimi://127.0.0.1/u/alice", "identity-domain"],
    ["mimi://[::1]/u/alice", "identity-domain"],
    ["mimi://-a.example/u/alice", "identity-domain"],
    ["mimi://a-.example/u/alice", "identity-domain"],
    [`mimi://${"a".repeat(64)}.example/u/alice`, "identity-domain"],
    ["mimi://xn--.example/u/alice", "identity-domain"],
    ["mimi://xn--a-.example/u/alice", "identity-domain"],
    ["mimi://ab--c.example/u/alice", "identity-domain"],
    ["mimi://example.org", "identity-kind"],
    ["mimi://example.org/", "identity-kind"],
    ["mimi://example.org/x/alice", "identity-kind"],
    ["mimi://example.org/u/alice/phone", "identity-kind"],
    ["mimi://example.org/d/alice", "identity-kind"],
    ["mimi://example.org/d/alice/phone/", "identity-kind"],
    ["mimi://example.org//u/alice", "identity-kind"],
    ["mimi://example.org/u/", "identity-user"],
    ["mimi://example.org/u/Alice", "identity-user"],
    ["mimi://example.org/u/al%69ce", "identity-user"],
    ["mimi://example.org/u/alice?x", "identity-user"],
    ["mimi://example.org/u/alice#x", "identity-user"],
    ["mimi://example.org/u/..", "identity-user"],
    [`mimi://example.org/u/${"a".repeat(65)}`, "identity-user"],
    ["mimi://example.org/d/alice/", "identity-device"],
    ["mimi://example.org/d/alice/Phone", "identity-device"],
    ["mimi://example.org/d/alice/.", "identity-device"],
  ];
  it.each(refused)("refuses %s", (uri, code) => {
    expect(codeOf(() => parseIdentity(uri))).toBe(code);
    expect(sameIdentity(uri, uri)).toBe(false);
  });

  it("tells users from clients", () => {
    expect(codeOf(() => parseUserUri(PHONE))).toBe("identity-kind");
    expect(codeOf(() => parseClientUri(ALICE))).toBe("identity-kind");
    expect(isClientOf(PHONE, ALICE)).toBe(true);
    expect(isClientOf(PHONE, "mimi://example.com/u/alice")).toBe(false);
    expect(isClientOf(ALICE, ALICE)).toBe(false);
  });

  it("takes the longest parts and not one more", () => {
    expect(parseUserUri(`mimi://example.org/u/${"a".repeat(64)}`).user).toHaveLength(64);
    const long = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(45)}.example`;
    expect(() => clientUri(long, "u".repeat(64), "d".repeat(64))).toThrow(IdentityError);
  });
});
