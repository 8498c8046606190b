import type { Credential } from "@mls-as/mls-core";
import { compareCredentials, type SuccessionEvent, successorFault, validSuccessor } from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import {
  ALICE,
  approvalOf,
  continuityOf,
  exampleKey,
  LAPTOP,
  PHONE,
  recordOf,
  START,
} from "../conformance/example-devices.js";

describe("same client and successor", async () => {
  const issuer = await exampleIssuer(await exampleRoot());
  const [first, second] = [exampleKey("phone"), exampleKey("phone, next")];
  const x509 = (...certificates: Uint8Array[]): Credential => ({ credentialType: "x509", certificates });
  const leaf = async (serial: string, names: string[], key = first): Promise<Credential> =>
    x509(await exampleLeaf({ serial, issuer, key, names }), issuer.certificate);
  const phone = await leaf("1", [ALICE, PHONE]);
  const renewed = await leaf("2", [ALICE, PHONE]);
  const rekeyed = await leaf("3", [ALICE, PHONE], second);
  const laptop = await leaf("4", [ALICE, LAPTOP], second);
  const mallory = await leaf("5", ["mimi://example.org/u/mallory", "mimi://example.org/d/mallory/phone"], second);
  const basic = (text: string): Credential => ({ credentialType: "basic", identity: new TextEncoder().encode(text) });

  it("tells credentials, clients and users apart", () => {
    expect(compareCredentials(phone, phone)).toBe("same-credential");
    expect(compareCredentials(phone, renewed)).toBe("same-client");
    expect(compareCredentials(phone, rekeyed)).toBe("same-client");
    expect(compareCredentials(phone, laptop)).toBe("same-user");
    expect(compareCredentials(phone, mallory)).toBe("different");
  });

  it("never equates what has no identity of this system", () => {
    expect(compareCredentials(basic("a"), basic("a"))).toBe("same-credential");
    expect(compareCredentials(basic("a"), basic("b"))).toBe("different");
    expect(compareCredentials(basic(PHONE), phone)).toBe("different");
    expect(compareCredentials(x509(), x509())).toBe("different");
    expect(compareCredentials(x509(Uint8Array.of(1)), x509(Uint8Array.of(2)))).toBe("different");
    expect(compareCredentials(x509(issuer.certificate), phone)).toBe("different");
    // Neither of two that cannot be read or have no names is anybody.
    const [junk, unnamed] = [x509(Uint8Array.of(1)), x509(issuer.certificate)];
    for (const nobody of [junk, unnamed, x509(), basic("a")])
      for (const other of [phone, x509(Uint8Array.of(2)), x509(), basic("b"), basic(PHONE)]) {
        expect(compareCredentials(nobody, other)).toBe("different");
        expect(compareCredentials(other, nobody)).toBe("different");
      }
    expect(compareCredentials(junk, junk)).toBe("same-credential");
    expect(compareCredentials(unnamed, unnamed)).toBe("same-credential");
  });

  it("lets a credential follow itself, whatever it is, and under either rule", () => {
    for (const same of [phone, basic("a"), x509(Uint8Array.of(1))])
      for (const rule of ["same-client", "continuity"] as const) {
        expect(successorFault(same, same, "update", rule)).toBeUndefined();
        expect(validSuccessor(same, same, "update", rule)).toBe(true);
      }
    expect(validSuccessor(basic("a"), basic("b"), "update", "same-client")).toBe(false);
    expect(validSuccessor(phone, basic("a"), "update", "same-client")).toBe(false);
  });

  it.each<SuccessionEvent>(["update", "commit", "external-rejoin", "reinit", "branch"])(
    "%s asks for the same client",
    (event) => {
      expect(validSuccessor(phone, renewed, event, "same-client")).toBe(true);
      expect(validSuccessor(phone, rekeyed, event, "same-client")).toBe(true);
      expect(successorFault(phone, laptop, event, "same-client")).toBe("different-client");
      expect(successorFault(phone, mallory, event, "continuity")).toBe("different-client");
    },
  );

  it("asks for continuity of a new key where the policy does", async () => {
    const bare = recordOf({ certificate: "3", key: second, notBefore: START });
    const vouched = { ...bare, continuity: await continuityOf(PHONE, first, second) };
    expect(validSuccessor(phone, renewed, "update", "continuity")).toBe(true);
    expect(successorFault(phone, rekeyed, "update", "continuity")).toBe("no-continuity");
    expect(successorFault(phone, rekeyed, "update", "continuity", bare)).toBe("no-continuity");
    expect(validSuccessor(phone, rekeyed, "update", "continuity", vouched)).toBe(true);
    const approver = { approver: LAPTOP, approverKey: second, afterVersion: 0, expiresAt: START };
    const approval = await approvalOf({ client: PHONE, key: second, ...approver });
    expect(validSuccessor(phone, rekeyed, "update", "continuity", { ...bare, approval })).toBe(true);
    // A record vouches for its own client only.
    expect(successorFault(phone, laptop, "update", "continuity", vouched)).toBe("different-client");
  });
});
