import { encode } from "@mls-as/tls-codec";
import { Credential, type LeafNode, RatchetTree } from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type DeviceEvidence,
  defaultPolicy,
  encodePolicy,
  parseCertificate,
  preparePolicy,
  sightGroup,
  spkiHash,
  tbsCertificateHash,
  toBase64Url,
  verifyGroup,
} from "@mls-as/mls-credentials";
import {
  createTsMlsAuthenticationService,
  type MemberVerdict,
  rosterOf,
  sightTsMlsGroup,
  uncompressedKey,
} from "@mls-as/mls-credentials/ts-mls";
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import { ALICE, exampleKey, LOG_ID, listOf, PHONE, recordOf, START } from "../conformance/example-devices.js";

describe("adapters", async () => {
  const root = await exampleRoot();
  const issuer = await exampleIssuer(root);
  const key = exampleKey("phone");
  const leaf = await exampleLeaf({ serial: "1", issuer, key, names: [ALICE, PHONE] });
  const policy = preparePolicy(
    encodePolicy(
      defaultPolicy({ "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) } }),
    ),
  );
  const certificate = parseCertificate(leaf);
  const record = {
    ...recordOf({ certificate: "1", key, notBefore: START }),
    tbsCertificateHash: tbsCertificateHash(certificate),
    spkiHash: spkiHash(certificate.spki),
  };
  const devices: DeviceEvidence = {
    list: listOf(0, "enrolment", [{ client: PHONE, addedAt: BigInt(START), credentials: [record] }]),
    logId: LOG_ID,
    position: 3,
    provenAt: START + 10,
    source: "search",
  };
  const x509 = { credentialType: "x509" as const, certificates: [leaf, issuer.certificate] };
  const verdicts: MemberVerdict[] = [];
  const serviceFor = (users: string[], known: DeviceEvidence | undefined = devices) =>
    createTsMlsAuthenticationService({
      policy,
      provider: nodeProvider,
      signatureScheme: 0x0807,
      roster: rosterOf(users),
      devices: () => known,
      time: () => ({ time: START + 10, timeSource: "local" }),
      onVerdict: (verdict) => verdicts.push(verdict),
    });

  it("accepts a logged member of the roster", async () => {
    expect(await serviceFor([ALICE]).validateCredential(x509, key.publicKey)).toBe(true);
    expect(verdicts.at(-1)?.acceptance?.reasons.map(({ code }) => code)).toEqual(["local-basis"]);
  });

  it("refuses strangers, basic credentials, other keys, missing evidence and broken certificates, saying why", async () => {
    const refusals: [Promise<boolean>, (verdict: MemberVerdict | undefined) => string | undefined, string][] = [];
    const refused = (verdict: MemberVerdict | undefined): string | undefined => verdict?.refused;
    const code = (verdict: MemberVerdict | undefined): string | undefined =>
      verdict?.acceptance?.reasons.find(({ severity }) => severity === "refusal")?.code;
    const ask = async (...row: (typeof refusals)[number]): Promise<void> => {
      expect(await row[0]).toBe(false);
      expect(row[1](verdicts.at(-1))).toBe(row[2]);
    };
    await ask(serviceFor([]).validateCredential(x509, key.publicKey), refused, "not-on-roster");
    const basic = { credentialType: "basic", identity: new Uint8Array() };
    await ask(serviceFor([ALICE]).validateCredential(basic, key.publicKey), refused, "not-x509");
    const broken = { credentialType: "x509" as const, certificates: [leaf.subarray(1)] };
    await ask(serviceFor([ALICE]).validateCredential(broken, key.publicKey), refused, "malformed-certificate");
    const ca = { credentialType: "x509" as const, certificates: [issuer.certificate] };
    await ask(serviceFor([ALICE]).validateCredential(ca, key.publicKey), refused, "no-identity");
    await ask(serviceFor([ALICE]).validateCredential(x509, exampleKey("x").publicKey), code, "profile-key-mismatch");
    const unproven = createTsMlsAuthenticationService({
      policy,
      provider: nodeProvider,
      signatureScheme: 0x0807,
      roster: rosterOf([ALICE]),
      devices: () => undefined,
      time: () => ({ time: START + 10, timeSource: "local" }),
      onVerdict: (verdict) => verdicts.push(verdict),
    });
    await ask(unproven.validateCredential(x509, key.publicKey), code, "evidence-unavailable");
  });

  it("reads compressed NIST keys as the points they mean, and leaves everything else alone", () => {
    const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
    const [x, y] = [Buffer.from(jwk.x as string, "base64url"), Buffer.from(jwk.y as string, "base64url")];
    const point = Uint8Array.from([4, ...x, ...y]);
    const compressed = Uint8Array.from([2 + ((y[31] as number) & 1), ...x]);
    expect(uncompressedKey(compressed, 0x0403)).toEqual(point);
    expect(uncompressedKey(point, 0x0403)).toBe(point);
    const off = Uint8Array.from([2, ...new Uint8Array(32).fill(255)]);
    expect(uncompressedKey(off, 0x0403)).toBe(off);
    expect(uncompressedKey(key.publicKey, 0x0807)).toBe(key.publicKey);
  });

  const node: LeafNode = {
    encryptionKey: Uint8Array.of(1),
    signatureKey: key.publicKey,
    credential: { credentialType: "x509", certificates: [leaf, issuer.certificate] },
    capabilities: { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [2] },
    leafNodeSource: "update",
    extensions: [],
    signature: new Uint8Array(64),
  };
  const group = {
    ratchetTree: encode(RatchetTree, [{ nodeType: "leaf", leafNode: node }]),
    groupId: Uint8Array.of(0xaa),
    epoch: 4n,
    cipherSuite: 1,
  };

  it("judges a group of any library from its tree's bytes", async () => {
    const basis = { policy, provider: nodeProvider, time: START + 10, timeSource: "pin" as const };
    const roster = rosterOf([ALICE]);
    const judged = await verifyGroup(group, { ...basis, roster, devices: () => devices });
    expect(judged.accepted).toBe(true);
    const strangers = await verifyGroup(group, { ...basis, roster: rosterOf([]), devices: () => devices });
    expect(strangers).toEqual({
      accepted: false,
      members: [{ leafIndex: 0, accepted: false, refused: "not-on-roster" }],
      reasons: [],
      externalSenders: [],
    });
  });

  it("sights the same members through either adapter", () => {
    const ours = sightGroup(group, { roster: rosterOf([ALICE]), at: START, current: true });
    const theirs = sightTsMlsGroup(
      {
        groupContext: { groupId: group.groupId, epoch: 4n },
        ratchetTree: [
          {
            nodeType: "leaf",
            leaf: {
              credential: x509,
              signaturePublicKey: key.publicKey,
              hpkePublicKey: Uint8Array.of(1),
              leafNodeSource: "update",
            },
          },
        ],
      },
      { roster: rosterOf([ALICE]), signatureScheme: 0x0807, at: START, current: true },
    );
    expect(theirs).toEqual(ours);
    expect(ours.leaves[0]).toMatchObject({ reference: ALICE, user: ALICE, client: PHONE, keyMatches: true });
    const unexpected = sightGroup(group, { roster: rosterOf([]), at: START, current: true });
    expect(unexpected.leaves[0]).toMatchObject({ reference: "", user: ALICE });
    expect(encode(Credential, node.credential).length).toBeGreaterThan(leaf.length);
  });
});
