import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type AcceptanceBasis,
  type DeviceEvidence,
  defaultPolicy,
  encodePolicy,
  judgeAcceptance,
  parseCertificate,
  preparePolicy,
  tbsCertificateHash,
  toBase64Url,
  type ValidationPolicy,
  verifyCredential,
} from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import { DAY, exampleKey, LOG_ID, recordOf, START } from "../conformance/example-devices.js";

describe("a device list that was looked up long ago", async () => {
  const root = await exampleRoot();
  const issuer = await exampleIssuer(root);
  const [user, client] = ["mimi://example.org/u/alice", "mimi://example.org/d/alice/phone"];
  const key = exampleKey("phone");
  const leaf = await exampleLeaf({ serial: "phone", issuer, key, names: [user, client] });
  const record = {
    ...recordOf({ certificate: "", key, notBefore: START }),
    tbsCertificateHash: tbsCertificateHash(parseCertificate(leaf)),
  };
  const devices: DeviceEvidence = {
    list: {
      format: 1,
      identity: user,
      version: 0,
      previousHash: new Uint8Array(32),
      origin: "enrolment",
      devices: [{ client, addedAt: BigInt(START), credentials: [record] }],
    },
    logId: LOG_ID,
    position: 1,
    provenAt: START + DAY,
    source: "search",
  };
  const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) } };

  const judge = async (
    later: number,
    timeSource: AcceptanceBasis["timeSource"],
    change: Partial<ValidationPolicy> = {},
    evidence = devices,
  ): Promise<string> => {
    const { accepted, reasons } = await judgeAcceptance(
      { certificates: [leaf, issuer.certificate], signatureKey: key.publicKey, signatureScheme: 0x0807 },
      { user },
      {
        policy: preparePolicy(encodePolicy({ ...defaultPolicy(domains), ...change })),
        provider: nodeProvider,
        time: devices.provenAt + later,
        timeSource,
        devices: evidence,
      },
    );
    const codes = reasons
      .filter(({ severity }) => severity !== "notice")
      .map(({ code, severity }) => `${code} ${severity}`);
    return [accepted ? "accepted" : "refused", ...codes].join(", ");
  };

  it("is no evidence by the local clock once the deadline for evidence is over, so that silence hides no revocation", async () => {
    expect(await judge(DAY, "local")).toBe("accepted");
    expect(await judge(DAY + 1, "local")).toBe("refused, evidence-unavailable refusal");
    expect(await judge(30 * DAY, "local", { evidenceDeadline: 60 * DAY })).toBe("accepted");
    expect(await judge(30 * DAY, "local", { transparency: "advisory" })).toBe("accepted, evidence-unavailable warning");
  });

  it.each([2n ** 62n, BigInt(START + 400 * DAY)])(
    "says revoked from when it was proven at the latest, whatever time it writes (%s)",
    async (revokedAt) => {
      const revoked = { ...record, status: "revoked" as const, revokedAt, reason: 1 };
      const list = { ...devices.list, devices: [{ client, addedAt: BigInt(START), credentials: [revoked] }] };
      const members = { ...defaultPolicy(domains).members, revoked: { grace: DAY } };
      expect(await judge(DAY, "pin", { members }, { ...devices, list })).toBe("accepted, credential-revoked warning");
      expect(await judge(DAY + 1, "pin", { members }, { ...devices, list })).toBe(
        "refused, credential-revoked refusal",
      );
    },
  );

  it("is asked for nobody without a well-formed name, whatever is known locally", async () => {
    const presented = {
      certificates: [leaf, issuer.certificate],
      signatureKey: key.publicKey,
      signatureScheme: 0x0807,
    };
    const basis: AcceptanceBasis = {
      policy: preparePolicy(encodePolicy(defaultPolicy(domains))),
      provider: nodeProvider,
      time: START + DAY,
      timeSource: "pin",
    };
    for (const name of ["", "bob", "mimi://EXAMPLE.org/u/alice", "__proto__", client]) {
      const verdict = await verifyCredential(presented, { user: name }, basis, { time: START + DAY, devices });
      expect(verdict.acceptance.reasons).toMatchObject([{ code: "invalid-reference" }]);
      expect(verdict.local?.reasons).toEqual([]);
    }
  });

  it("decides by the pins, where all members judge by the same list", async () => {
    expect(await judge(30 * DAY, "pin")).toBe("accepted");
  });
});
