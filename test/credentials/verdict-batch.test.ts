import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type AcceptanceBasis,
  type DeviceEvidence,
  defaultPolicy,
  encodePolicy,
  judgeAcceptance,
  parseCertificate,
  preparePolicy,
  SignatureMemo,
  tbsCertificateHash,
  toBase64Url,
  verifyCredentials,
  VerifierMemory,
} from "@mls-as/mls-credentials";
import { describe, expect, it } from "vitest";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import { countingProvider } from "../counting-provider.js";
import { DAY, exampleKey, LOG_ID, recordOf, START } from "../conformance/example-devices.js";

type Member = Parameters<typeof verifyCredentials>[0][number];

describe("a batch of verdicts", async () => {
  const root = await exampleRoot();
  const issuer = await exampleIssuer(root);
  const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) } };
  const policy = preparePolicy(encodePolicy(defaultPolicy(domains)));
  const member = async (name: string): Promise<Member & { readonly devices: DeviceEvidence }> => {
    const [user, client] = [`mimi://example.org/u/${name}`, `mimi://example.org/d/${name}/phone`];
    const key = exampleKey(name);
    const leaf = await exampleLeaf({ serial: name, issuer, key, names: [user, client] });
    const record = {
      ...recordOf({ certificate: "", key, notBefore: START }),
      tbsCertificateHash: tbsCertificateHash(parseCertificate(leaf)),
    };
    const list = {
      format: 1,
      identity: user,
      version: 0,
      previousHash: new Uint8Array(32),
      origin: "enrolment" as const,
      devices: [{ client, addedAt: BigInt(START), credentials: [record] }],
    };
    return {
      presented: { certificates: [leaf, issuer.certificate], signatureKey: key.publicKey, signatureScheme: 0x0807 },
      reference: { user },
      devices: { list, logId: LOG_ID, position: 1, provenAt: START + DAY, source: "search" },
    };
  };
  const [alice, bob, carol] = await Promise.all(["alice", "bob", "carol"].map(member));
  if (alice === undefined || bob === undefined || carol === undefined) throw new Error("three members");
  const basis = { policy, provider: nodeProvider, time: START + DAY, timeSource: "pin" as const };
  const { devices: _, ...unproven } = bob;
  const members: readonly Member[] = [
    alice,
    bob,
    unproven,
    { ...carol, reference: { user: "mimi://example.org/u/mallory" } },
    { ...carol, reference: { user: carol.reference.user, client: "mimi://example.org/d/carol/laptop" } },
    { ...carol, presented: { ...carol.presented, signatureKey: alice.presented.signatureKey } },
    { ...carol, presented: { ...carol.presented, signatureScheme: 0x0403 } },
    { ...carol, presented: { ...carol.presented, certificates: [] } },
    { ...carol, presented: { ...carol.presented, certificates: [Uint8Array.of(0x30, 1)] } },
    { ...carol, presented: { ...carol.presented, certificates: [...carol.presented.certificates, Uint8Array.of(5)] } },
    { ...carol, presented: { ...carol.presented, certificates: carol.presented.certificates.toReversed() } },
    alice,
  ];
  const one = ({ presented, reference, devices }: Member, change: Partial<AcceptanceBasis> = {}) =>
    judgeAcceptance(presented, reference, { ...basis, ...(devices === undefined ? {} : { devices }), ...change });
  it("comes to what each credential comes to alone, in its order, also when asked again", async () => {
    const alone = [];
    for (const each of members) alone.push(await one(each));
    expect(alone.map(({ accepted }) => accepted)).toEqual(members.map((each) => [alice, bob].includes(each as never)));
    expect(new Set(alone.map(({ reasons }) => JSON.stringify(reasons))).size).toBe(10);
    expect(await verifyCredentials(members, basis)).toEqual(alone);
    const memory = new VerifierMemory();
    for (let again = 0; again < 3; again++)
      expect(await verifyCredentials(members, { ...basis, memory })).toEqual(alone);
    expect(await verifyCredentials([], basis)).toEqual([]);
  });

  it("verifies an issuer's signature once, a leaf's once, and nothing twice", async () => {
    const { provider, verified } = countingProvider();
    await verifyCredentials([alice, bob, carol, alice], { ...basis, provider });
    expect(verified).toHaveLength(4);
    const memory = new VerifierMemory();
    // Copies of the issuer's certificate are the same issuer.
    const copied = [bob, carol].map(({ presented, ...rest }) => ({
      ...rest,
      presented: { ...presented, certificates: presented.certificates.map((der) => der.slice()) },
    }));
    const before = verified.length;
    await verifyCredentials([alice, ...copied], { ...basis, provider, memory });
    expect(verified.length - before).toBe(4);
    await verifyCredentials([alice, ...copied], { ...basis, provider, memory });
    // Another time is another question, whose signatures are known all the same.
    await verifyCredentials([alice, ...copied], { ...basis, provider, memory, time: START + 2 * DAY });
    expect(verified.length - before).toBe(4);
  });

  it("shares signatures by a memo where there is no memory", async () => {
    const { provider, verified } = countingProvider();
    const memo = new SignatureMemo();
    // By object: the certificates are parsed anew, so nothing is known of them yet.
    await one(alice, { provider, memo });
    await one(alice, { provider });
    expect(verified).toHaveLength(4);
    const memory = new VerifierMemory();
    for (let again = 0; again < 2; again++) expect((await one(alice, { provider, memory })).accepted).toBe(true);
    expect(verified).toHaveLength(6);
    for (let again = 0; again < 2; again++)
      expect((await one(bob, { provider, memo: memory.signatures, memory })).accepted).toBe(true);
    expect(verified).toHaveLength(7);
  });

  it("answers anew whatever of a question has changed", async () => {
    const memory = new VerifierMemory();
    const ask = async (each: Member, change: Partial<typeof basis> & { evidenceMissingSince?: number } = {}) =>
      (await verifyCredentials([each], { ...basis, memory, ...change }))[0];
    const codes = async (...args: Parameters<typeof ask>) => (await ask(...args))?.reasons.map(({ code }) => code);
    const first = await ask(alice);
    expect(await ask(alice)).toBe(first);
    // The same, said again in other objects, is the same question only where bytes need not be compared for it.
    expect(await ask({ ...alice, reference: { ...alice.reference } })).toBe(first);
    expect(await codes(alice)).toEqual([]);
    expect(await codes(alice, { time: START - 1 })).toEqual(["not-yet-valid"]);
    expect(await codes(alice, { timeSource: "local" as never })).toEqual(["local-basis"]);
    const other = preparePolicy(encodePolicy({ ...defaultPolicy(domains), signatureSchemes: [0x0403] }));
    expect(await codes(alice, { policy: other })).toEqual(["scheme-not-allowed"]);
    const { devices, ...without } = alice;
    expect(await codes(without)).toEqual(["evidence-unavailable"]);
    expect((await ask(without))?.accepted).toBe(false);
    expect((await ask(without, { evidenceMissingSince: START + DAY }))?.accepted).toBe(true);
    const changes: [Partial<DeviceEvidence>, string[]][] = [
      [{ list: { ...devices.list, identity: "mimi://example.org/u/bob" } }, ["evidence-of-other-user"]],
      [{ logId: new Uint8Array(32) }, ["evidence-of-other-log"]],
      [{ list: { ...devices.list, devices: [] } }, ["unlogged"]],
      [{ list: { ...devices.list, devices: [] }, provenAt: START - 1 }, ["evidence-older-than-credential"]],
    ];
    for (const [change, expected] of changes)
      expect(await codes({ ...alice, devices: { ...devices, ...change } })).toEqual(expected);
    expect((await ask({ ...alice, devices: { ...devices, position: 7 } }))?.basis.logPosition).toBe(7);
    expect(
      await codes({ ...alice, reference: { ...alice.reference, client: "mimi://example.org/d/alice/x" } }),
    ).toEqual(["profile-client-mismatch"]);
    expect(await codes({ ...alice, reference: bob.reference })).toContain("profile-user-mismatch");
    const presented = (change: object) => ({ ...alice, presented: { ...alice.presented, ...change } });
    expect(await codes(presented({ signatureKey: bob.presented.signatureKey }))).toEqual(["profile-key-mismatch"]);
    expect(await codes(presented({ signatureScheme: 0x0403 }))).toContain("profile-scheme-mismatch");
    const [leaf] = alice.presented.certificates;
    expect(await codes(presented({ certificates: [leaf] }))).toEqual(["untrusted"]);
    expect(await codes(presented({ certificates: [leaf, bob.presented.certificates[0]] }))).toContain("untrusted");
  });
});
