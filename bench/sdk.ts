import { createPublicKey, verify } from "node:crypto";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type DeviceEvidence,
  defaultPolicy,
  encodePolicy,
  GhostDetector,
  parseCertificate,
  preparePolicy,
  type SightedLeaf,
  sightX509,
  tbsCertificateHash,
  toBase64Url,
  VerifierMemory,
  verifyCredentials,
} from "@mls-as/mls-credentials";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../test/conformance/example-certificates.js";
import { DAY, exampleKey, LOG_ID, recordOf, START } from "../test/conformance/example-devices.js";
import type { Benchmark, Measurement } from "./main.js";

const SIZES = process.env["MLS_AS_LONG"] === "1" ? [100, 1000, 10_000, 50_000] : [100, 1000, 10_000];
const TIME = START + DAY;
/** Verdicts after which what a verdict needs is compiled. */
const COMPILED = 5000;

type Member = Parameters<typeof verifyCredentials>[0][number] & { readonly devices: DeviceEvidence };

interface Group {
  readonly members: readonly Member[];
  readonly basis: Parameters<typeof verifyCredentials>[1];
  /** The signatures that must be verified: each leaf's, and the issuer's once. */
  readonly bare: () => void;
}

async function makeGroup(size: number): Promise<Group> {
  const root = await exampleRoot();
  const issuer = await exampleIssuer(root);
  const members: Member[] = [];
  for (let i = 0; i < size; i++) {
    const user = `mimi://example.org/u/user${i}`;
    const client = `mimi://example.org/d/user${i}/phone`;
    const key = exampleKey(`member ${i}`);
    const leaf = await exampleLeaf({ serial: `${i}`, issuer, key, names: [user, client] });
    const record = {
      ...recordOf({ certificate: "", key, notBefore: START }),
      tbsCertificateHash: tbsCertificateHash(parseCertificate(leaf)),
    };
    members.push({
      presented: { certificates: [leaf, issuer.certificate], signatureKey: key.publicKey, signatureScheme: 0x0807 },
      reference: { user },
      devices: {
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
        provenAt: TIME,
        source: "search",
      },
    });
  }
  const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) } };
  const policy = preparePolicy(encodePolicy(defaultPolicy(domains)));
  return {
    members,
    basis: { policy, provider: nodeProvider, time: TIME, timeSource: "pin" },
    bare: bareVerifications(members, issuer.key.spki, root.key.spki),
  };
}

function bareVerifications(members: readonly Member[], issuerKey: Uint8Array, rootKey: Uint8Array): () => void {
  const [issuer, root] = [issuerKey, rootKey].map((spki) =>
    createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }),
  ) as [ReturnType<typeof createPublicKey>, ReturnType<typeof createPublicKey>];
  const signed = (der: Uint8Array): { tbs: Uint8Array; signature: Uint8Array } => parseCertificate(der);
  const leaves = members.map(({ presented }) => signed(presented.certificates[0] as Uint8Array));
  const ca = signed((members[0] as Member).presented.certificates[1] as Uint8Array);
  return () => {
    let good = verify(null, ca.tbs, root, ca.signature);
    for (const { tbs, signature } of leaves) good = verify(null, tbs, issuer, signature) && good;
    if (!good) throw new Error("a signature does not hold");
  };
}

async function judge({ members, basis }: Group, memory: VerifierMemory): Promise<void> {
  const judged = await verifyCredentials(members, { ...basis, memory });
  const refused = judged.find(({ accepted }) => !accepted);
  if (refused !== undefined) throw new Error(JSON.stringify(refused.reasons));
}

/** Milliseconds of CPU over all threads of the process: what one core takes, whatever else runs on the machine. */
async function timed(run: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

/** A group's leaves as copies without shared bytes, so that nothing that is remembered by object can help. */
function fresh(group: Group): Group {
  const members = group.members.map(({ presented, ...rest }) => ({
    ...rest,
    presented: { ...presented, certificates: presented.certificates.map((der) => der.slice()) },
  }));
  return { ...group, members };
}

async function verdicts(size: number): Promise<Measurement[]> {
  const group = await makeGroup(size);
  const samples = size >= 50_000 ? 1 : size >= 1000 ? 5 : 15;
  const [cold, warm, bare]: [number[], number[], number[]] = [[], [], []];
  // The very first look of a process, whose code is not compiled yet, is told apart from "cold", where nothing is remembered.
  group.bare();
  const started = await timed(() => judge(fresh(group), new VerifierMemory()));
  for (let judged = size; judged < COMPILED; judged += size) await judge(fresh(group), new VerifierMemory());
  for (let i = 0; i < samples; i++) {
    bare.push(await timed(group.bare));
    const copy = fresh({
      ...group,
      basis: { ...group.basis, policy: preparePolicy(encodePolicy(group.basis.policy.policy)) },
    });
    const memory = new VerifierMemory();
    cold.push(await timed(() => judge(copy, memory)));
    warm.push(await timed(() => judge(copy, memory)));
  }
  const params = { members: size, chain: 2, signatures: size + 1 };
  const [b, c, w] = [median(bare), median(cold), median(warm)];
  return [
    { name: `sdk.verdicts.bare.${size}`, unit: "ms", value: b, samples, params },
    { name: `sdk.verdicts.cold.${size}`, unit: "ms", value: c, samples, params },
    { name: `sdk.verdicts.cold.ratio.${size}`, unit: "x bare", value: c / b, samples, params: { ...params, aim: 1.5 } },
    { name: `sdk.verdicts.started.ratio.${size}`, unit: "x bare", value: started / b, samples: 1, params },
    {
      name: `sdk.verdicts.warm.speedup.${size}`,
      unit: "x cold",
      value: c / w,
      samples,
      params: { ...params, aim: 50 },
    },
  ];
}

/** Bytes in use after several collections; what finalizers hold goes only after a turn of the event loop. */
async function settledHeap(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

/** The detector over one group: the first look, one commit later, and the memory it keeps. */
async function detector(size: number): Promise<Measurement[]> {
  const { members, basis } = await makeGroup(size);
  const leaves = members.map(
    ({ presented, reference }, leafIndex): SightedLeaf => ({
      ...sightX509(presented.certificates, presented.signatureKey, reference.user),
      leafIndex,
      source: "key_package",
    }),
  );
  const before = await settledHeap();
  const self = members[0] as Member;
  const watching = new GhostDetector({
    self: self.reference.user,
    ownKeys: [],
    policy: basis.policy.policy,
    provider: nodeProvider,
  });
  const look = (epoch: number, shown: readonly SightedLeaf[]) =>
    watching.observe({ type: "tree", at: TIME + epoch, group: "aa", epoch, current: true, leaves: shown });
  const first = await timed(() => look(1, leaves));
  const kept = (await settledHeap()) - before;
  const commit = await timed(() => look(2, leaves.slice(0, -1)));
  const snapshot = await timed(() => watching.snapshot());
  // Read here, so that the members are alive over the whole measurement and only the detector's own memory counts.
  const params = { members: members.length };
  return [
    { name: `sdk.ghost.first-look.${size}`, unit: "ms", value: first, samples: 1, params },
    { name: `sdk.ghost.commit.${size}`, unit: "ms", value: commit, samples: 1, params },
    { name: `sdk.ghost.snapshot.${size}`, unit: "ms", value: snapshot, samples: 1, params },
    {
      name: `sdk.ghost.memory.${size}`,
      unit: "bytes/member",
      value: kept / size,
      samples: 1,
      params: { ...params, gc: globalThis.gc === undefined ? "not forced" : "forced" },
    },
  ];
}

export const benchmarks: readonly Benchmark[] = [
  ...SIZES.map((size) => ({ name: `sdk.verdicts.${size}`, run: () => verdicts(size) })),
  ...SIZES.map((size) => ({ name: `sdk.ghost.${size}`, run: () => detector(size) })),
];
