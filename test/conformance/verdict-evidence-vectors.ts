import { Configuration } from "@mls-as/keytrans";
import { createClient } from "@mls-as/keytrans/client";
import {
  type CredentialRecord,
  type DeviceList,
  defaultPolicy,
  deviceListHash,
  encodeDeviceList,
  parseCertificate,
  tbsCertificateHash,
  toBase64Url,
  type ValidationPolicy,
} from "@mls-as/mls-credentials";
import { encode } from "@mls-as/tls-codec";
import { ProvenLog } from "../credentials/proven-log.js";
import { exampleCrl, exampleIssuer, exampleLeaf, exampleRoot } from "./example-certificates.js";
import { ALICE, DAY, exampleKey, listOf, PHONE, recordOf, START as T } from "./example-devices.js";
import type { VerdictCase } from "./verdict.js";
import type { StapleCase } from "./verdict-evidence.js";
import { hex } from "./wire-json.js";

const NOW = T + 2 * DAY;
const BOB = "mimi://example.org/u/bob";
const key = exampleKey("phone");

/** Cases with stapled evidence, and with what one member alone knows. */
export async function evidenceVectors(): Promise<{
  description: string;
  policy: Partial<ValidationPolicy>;
  cases: VerdictCase[];
}> {
  const root = await exampleRoot();
  const issuer = await exampleIssuer(root);
  const leaf = await exampleLeaf({ serial: "phone 1", issuer, key, names: [ALICE, PHONE] });
  const certificate = parseCertificate(leaf);
  const record = (change: Partial<CredentialRecord> = {}): CredentialRecord =>
    ({
      ...recordOf({ certificate: "phone 1", key, notBefore: certificate.notBefore, notAfter: certificate.notAfter }),
      tbsCertificateHash: tbsCertificateHash(certificate),
      ...change,
    }) as CredentialRecord;
  const first = listOf(0, "enrolment", [{ client: PHONE, addedAt: BigInt(T), credentials: [record()] }]);
  const revoked = listOf(
    1,
    "ownerRevocation",
    [
      {
        client: PHONE,
        addedAt: BigInt(T),
        credentials: [record({ status: "revoked", revokedAt: BigInt(NOW), reason: 1 })],
      },
    ],
    deviceListHash(encodeDeviceList(first)),
  );
  const unlogged = listOf(0, "enrolment", [
    { client: PHONE, addedAt: BigInt(T), credentials: [recordOf({ certificate: "other", key, notBefore: T })] },
  ]);

  /** A log in which these versions stand, and a device that walked its distinguished heads once all were there. */
  const stapled = async (
    versions: readonly DeviceList[],
    more: Partial<StapleCase> = {},
    early = false,
  ): Promise<StapleCase> => {
    const log = await ProvenLog.create();
    await log.heartbeat(T - DAY);
    const client = createClient({ suite: log.suite, configuration: log.configuration });
    let walked = early ? await log.walk(client.initialState(), T - DAY) : undefined;
    for (const [i, version] of versions.entries()) await log.append(version, T + i * 3600);
    await log.heartbeat(T + DAY + 60);
    await log.heartbeat(NOW);
    walked ??= await log.walk(client.initialState(), NOW);
    return {
      credential: hex(await log.staple(ALICE)),
      configuration: hex(encode(Configuration, log.configuration)),
      walks: [{ response: hex(walked.response), now: (early ? T - DAY : NOW) * 1000 }],
      ...more,
    };
  };
  const logId = (await ProvenLog.create()).logId;
  const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(logId) } };
  const make = (name: string, given: Partial<VerdictCase>, expect: VerdictCase["expect"]): VerdictCase => ({
    name,
    certificates: [leaf, issuer.certificate].map(hex),
    signature_key: hex(key.publicKey),
    signature_scheme: 0x0807,
    reference: { user: ALICE },
    time: NOW,
    ...given,
    expect,
  });
  const good = { accepted: true, standing: "valid", refusals: [], warnings: [] };
  const refused = (...refusals: string[]) => ({ accepted: false, refusals });
  const staple = await stapled([first]);
  const damaged = (hexes: string, at: number) =>
    `${hexes.slice(0, at)}${hexes[at] === "0" ? "1" : "0"}${hexes.slice(at + 1)}`;
  const members = (changes: Partial<ValidationPolicy["members"]>) => ({
    policy: { members: { ...defaultPolicy({}).members, ...changes } },
  });

  const devices = (list: DeviceList, provenAt = NOW) => ({
    value: hex(encodeDeviceList(list)),
    version: list.version,
    log_id: hex(logId),
    position: 9,
    proven_at: provenAt,
  });
  const crl = async (
    of: typeof root,
    revokedSerials: readonly (readonly [string, number])[] = [],
    nextUpdate = NOW + DAY,
  ) => hex(await exampleCrl({ issuer: of, number: 7, thisUpdate: NOW - DAY, nextUpdate, revoked: revokedSerials }));
  const [rootCrl, issuerCrl] = [await crl(root), await crl(issuer)];
  const local = (
    name: string,
    given: VerdictCase["local"],
    warnings: readonly string[],
    more: Partial<VerdictCase> = {},
  ) =>
    make(
      name,
      { devices: devices(first), ...(given === undefined ? {} : { local: given }), ...more },
      { ...good, local: warnings },
    );
  const logAndCrl = { policy: { revocation: "log-and-crl" as const } };

  const cases = [
    make("a staple that proves the credential", { staple }, good),
    make(
      "a staple that says revoked",
      { staple: await stapled([first, revoked]) },
      { ...refused("credential-revoked"), standing: "revoked" },
    ),
    make(
      "a staple without the certificate",
      { staple: await stapled([unlogged]) },
      { ...refused("unlogged"), standing: "unlogged" },
    ),
    make("a staple where the policy asks for one", { staple, policy: { transparency: "stapled" } }, good),
    make(
      "no staple where the policy asks for one",
      { devices: devices(first), policy: { transparency: "stapled" } },
      refused("staple-required"),
    ),
    make("a staple as old as the policy allows", { staple, time: T - DAY + 7 * DAY }, { accepted: true }),
    make(
      "a staple of a head that this device does not know",
      { staple: await stapled([first], {}, true) },
      refused("unknown-head"),
    ),
    make("a staple older than what was seen", { staple: { ...staple, seen_version: 1 } }, refused("older-than-seen")),
    make("a staple of the version that was seen", { staple: { ...staple, seen_version: 0 } }, good),
    make("a staple about somebody else", { staple, reference: { user: BOB } }, refused("staple-of-other-user")),
    make(
      "a damaged staple",
      { staple: { ...staple, credential: damaged(staple.credential, 900) } },
      refused("invalid-staple"),
    ),
    make(
      "a staple cut short",
      { staple: { ...staple, credential: staple.credential.slice(0, -2) } },
      refused("invalid-staple"),
    ),
    make("no staple at all", { staple: { ...staple, credential: "" } }, refused("invalid-staple")),
    make(
      "a staple from another log than the policy's",
      {
        staple,
        policy: { domains: { "example.org": { ...domains["example.org"], logId: toBase64Url(new Uint8Array(32)) } } },
      },
      refused("evidence-of-other-log"),
    ),
    local("nothing known besides", { time: NOW }, []),
    local("good CRLs", { time: NOW, crls: [rootCrl, issuerCrl] }, []),
    local(
      "revoked by the CRL only: accepted by all, and a warning here",
      { time: NOW, crls: [rootCrl, await crl(issuer, [["phone 1", NOW - 60]])] },
      ["revoked"],
    ),
    local(
      "the issuing CA revoked by its root's CRL",
      {
        time: NOW,
        crls: [await crl(root, [[`Example Issuing CA for example.org ${T + 1825 * DAY}`, NOW - 60]]), issuerCrl],
      },
      ["revoked"],
    ),
    local("another serial revoked", { time: NOW, crls: [rootCrl, await crl(issuer, [["phone 2", NOW - 60]])] }, []),
    local("no CRL where the policy wants one", { time: NOW }, ["revocation-undetermined"], logAndCrl),
    local("CRLs where the policy wants them", { time: NOW, crls: [rootCrl, issuerCrl] }, [], logAndCrl),
    local(
      "a CRL out of date where the policy wants one",
      { time: NOW, crls: [rootCrl, await crl(issuer, [], NOW - 60)] },
      ["revocation-undetermined"],
      logAndCrl,
    ),
    local("expired by the clock, valid by the pin", { time: T + 91 * DAY }, ["expired"]),
    local("a later list says revoked", { time: NOW, devices: devices(revoked, NOW + 60) }, ["credential-revoked"]),
    make(
      "expired members: grace",
      { devices: devices(first), time: T + 90 * DAY + 60, ...members({}) },
      { accepted: true, standing: "expired", warnings: ["credential-expired"], deadline: T + 97 * DAY },
    ),
    make(
      "expired members: grace is over",
      { devices: devices(first), time: T + 97 * DAY + 1, ...members({}) },
      { ...refused("credential-expired"), standing: "expired" },
    ),
    make(
      "expired members: reject",
      { devices: devices(first), time: T + 90 * DAY + 60, ...members({ expired: "reject" }) },
      { ...refused("credential-expired"), standing: "expired" },
    ),
    make(
      "expired members: warn",
      { devices: devices(first), time: T + 300 * DAY, ...members({ expired: "warn" }) },
      { accepted: true, standing: "expired", warnings: ["credential-expired"] },
    ),
    make(
      "revoked members: grace",
      { devices: devices(revoked), time: NOW + 60, ...members({ revoked: { grace: DAY } }) },
      { accepted: true, standing: "revoked", warnings: ["credential-revoked"], deadline: NOW + DAY },
    ),
    make(
      "revoked members: grace is over",
      { devices: devices(revoked), time: NOW + DAY + 1, ...members({ revoked: { grace: DAY } }) },
      { ...refused("credential-revoked"), standing: "revoked" },
    ),
    make(
      "revoked members: warn",
      { devices: devices(revoked), time: NOW + 60, ...members({ revoked: "warn" }) },
      { accepted: true, standing: "revoked", warnings: ["credential-revoked"] },
    ),
    make(
      "unlogged members: warn does not weaken required transparency",
      { devices: devices(unlogged), ...members({ unlogged: "warn" }) },
      { ...refused("unlogged"), standing: "unlogged" },
    ),
    make(
      "advisory transparency flags what is unlogged",
      { devices: devices(unlogged), policy: { transparency: "advisory" } },
      { accepted: true, standing: "unlogged", warnings: ["unlogged"] },
    ),
    make(
      "unlogged members: reject",
      { devices: devices(unlogged), ...members({}) },
      { ...refused("unlogged"), standing: "unlogged" },
    ),
  ];
  return {
    description: "Stapled evidence, what one member alone knows, and the handling of members.",
    policy: { domains },
    cases,
  };
}
