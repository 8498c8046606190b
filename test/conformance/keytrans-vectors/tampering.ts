import { AuditorUpdate, CredentialUpdate, type WireFormat } from "@mls-as/keytrans";
import { type Codec, CodecError, decode, encode } from "@mls-as/tls-codec";

/** Byte strings as a verifier must refuse them, with the reason. */
export interface Tampered {
  readonly reason: string;
  readonly response: Uint8Array;
}

interface Lookup {
  resultType: "inclusion" | "nonInclusionLeaf" | "nonInclusionParent";
  depth: number;
  leaf?: { vrfOutput: Uint8Array; commitment: Uint8Array };
}
interface Proof {
  timestamps: number[];
  prefixProofs: { results: Lookup[]; elements: Uint8Array[] }[];
  prefixRoots: Uint8Array[];
  inclusion: { elements: Uint8Array[] };
}
interface LadderStep {
  proof: Uint8Array;
  commitment: Uint8Array | undefined;
}
interface Head {
  headType: "same" | "updated";
  treeHead?: { treeSize: number; signature: Uint8Array };
  auditorTreeHead?: { timestamp: number; treeSize: number; signature: Uint8Array };
}
/** Any response, all of its fields writable. */
interface Response {
  fullTreeHead: Head;
  version?: number;
  opening?: Uint8Array;
  value?: { value: Uint8Array; suffix: { signature?: Uint8Array } };
  binaryLadder?: LadderStep[];
  greatestVersions?: number[];
  position?: number;
  skippedVersions?: number;
  values?: { value: Uint8Array }[];
  info?: { opening: Uint8Array; suffix: { signature?: Uint8Array } }[];
}

const PROOF_FIELDS = ["search", "monitor", "init", "update", "distinguished"] as const;

function flip(bytes: Uint8Array | undefined, at = 0): void {
  if (bytes !== undefined && bytes.length > at) bytes[at] = (bytes[at] as number) ^ 1;
}

/** A list with a place changed: one fewer, one more, two exchanged. */
function* listChanges<T>(name: string, list: readonly T[], another: () => T): Generator<[string, T[]]> {
  const last = list.at(-1);
  yield [`${name}: an element too many`, [...list, last === undefined ? another() : last]];
  if (last === undefined) return;
  yield [`${name}: the last element is missing`, list.slice(0, -1)];
  yield [`${name}: empty`, []];
  const [first, second] = list;
  if (first !== undefined && second !== undefined)
    yield [`${name}: the first two elements are exchanged`, [second, first, ...list.slice(2)]];
}

const randomHash = (): Uint8Array => new Uint8Array(32).fill(0x5a);

function proofChanges(proof: Proof): [string, (target: Proof) => void][] {
  const changes: [string, (target: Proof) => void][] = [];
  const add = (reason: string, change: (target: Proof) => void): void => void changes.push([reason, change]);
  for (const [reason, list] of listChanges("timestamps", proof.timestamps, () => 1))
    add(reason, (p) => (p.timestamps = list));
  for (const [reason, list] of listChanges("prefix_roots", proof.prefixRoots, randomHash))
    add(reason, (p) => (p.prefixRoots = list));
  for (const [reason, list] of listChanges("inclusion.elements", proof.inclusion.elements, randomHash))
    add(reason, (p) => (p.inclusion.elements = list));
  for (const [reason, list] of listChanges("prefix_proofs", proof.prefixProofs, () => ({
    results: [],
    elements: [randomHash()],
  })))
    add(reason, (p) => (p.prefixProofs = list));
  if (proof.timestamps.length > 0) {
    add(
      "timestamps: the first is a millisecond later than the log says",
      (p) => (p.timestamps[0] = (p.timestamps[0] as number) + 1),
    );
    add("timestamps: the last is before all others", (p) => (p.timestamps[p.timestamps.length - 1] = 1));
  }
  if (proof.prefixRoots.length > 0) add("prefix_roots: a bit of the first is changed", (p) => flip(p.prefixRoots[0]));
  if (proof.inclusion.elements.length > 0)
    add("inclusion.elements: a bit of the last is changed", (p) => flip(p.inclusion.elements.at(-1), 31));
  const [first] = proof.prefixProofs;
  if (first === undefined) return changes;
  for (const [reason, list] of listChanges(
    "prefix_proofs[0].results",
    first.results,
    (): Lookup => ({ resultType: "inclusion", depth: 0 }),
  ))
    add(reason, (p) => ((p.prefixProofs[0] as Proof["prefixProofs"][0]).results = list));
  for (const [reason, list] of listChanges("prefix_proofs[0].elements", first.elements, randomHash))
    add(reason, (p) => ((p.prefixProofs[0] as Proof["prefixProofs"][0]).elements = list));
  for (const [index, { resultType }] of first.results.entries()) {
    const at = (p: Proof): Lookup => (p.prefixProofs[0] as Proof["prefixProofs"][0]).results[index] as Lookup;
    add(`prefix_proofs[0].results[${index}]: the depth is one more`, (p) => (at(p).depth += 1));
    add(`prefix_proofs[0].results[${index}]: the greatest depth`, (p) => (at(p).depth = 255));
    if (resultType === "inclusion")
      add(
        `prefix_proofs[0].results[${index}]: an inclusion is shown as a missing child`,
        (p) => (at(p).resultType = "nonInclusionParent"),
      );
    else
      add(`prefix_proofs[0].results[${index}]: a non-inclusion is shown as an inclusion`, (p) => {
        at(p).resultType = "inclusion";
        delete at(p).leaf;
      });
    if (resultType === "nonInclusionLeaf") {
      add(`prefix_proofs[0].results[${index}]: the commitment in the other leaf is changed`, (p) =>
        flip(at(p).leaf?.commitment),
      );
      add(`prefix_proofs[0].results[${index}]: the key in the other leaf has another prefix`, (p) => {
        const key = at(p).leaf?.vrfOutput as Uint8Array;
        key[0] = (key[0] as number) ^ 0x80;
      });
    }
  }
  return changes;
}

/** After the point, a VRF proof has a challenge of 16 and a scalar of 32 octets (RFC 9381, "ECVRF Proving"). */
const SCALARS = 48;

/** Spoils the point and the scalar of a VRF proof. */
const pointChanges: readonly [string, (proof: Uint8Array) => void][] = [
  ["Gamma is no encoding of a point", (proof) => void proof.fill(0xff, 0, -SCALARS)],
  ["Gamma has another x or y", (proof) => flip(proof, 8)],
  ["Gamma has the other sign", flipSign],
  ["Gamma is zero", (proof) => void proof.fill(0, 0, -SCALARS)],
  ["Gamma is the neutral element", (proof) => void proof.fill(0, 0, -SCALARS).fill(1, 0, 1)],
  ["the challenge is changed", (proof) => flip(proof, proof.length - SCALARS)],
  ["the scalar is not below the group's order", (proof) => void proof.fill(0xff, -32)],
];

/** In SEC 1's compressed form the first octet says the sign, in that of RFC 8032 the last bit. */
function flipSign(proof: Uint8Array): void {
  const length = proof.length - SCALARS;
  if (length === 33) flip(proof);
  else proof[length - 1] = (proof[length - 1] as number) ^ 0x80;
}

/** Changes to what stands before the proof. */
function fieldChanges(response: Response): [string, (target: Response) => void][] {
  const changes: [string, (target: Response) => void][] = [];
  const add = (reason: string, change: (target: Response) => void): void => void changes.push([reason, change]);
  const { treeHead, auditorTreeHead } = response.fullTreeHead;
  if (treeHead !== undefined) {
    const head = (r: Response): NonNullable<Head["treeHead"]> =>
      r.fullTreeHead.treeHead as NonNullable<Head["treeHead"]>;
    add(
      "full_tree_head: `same` where the tree has grown or no size was advertised",
      (r) => (r.fullTreeHead = { headType: "same" }),
    );
    add("tree_head.tree_size: one more", (r) => (head(r).treeSize += 1));
    add("tree_head.tree_size: one less", (r) => (head(r).treeSize -= 1));
    add("tree_head.tree_size: zero", (r) => (head(r).treeSize = 0));
    add("tree_head.tree_size: absurd", (r) => (head(r).treeSize = 2 ** 52));
    add("tree_head.signature: a bit is changed", (r) => flip(head(r).signature, 5));
    add("tree_head.signature: empty", (r) => (head(r).signature = new Uint8Array()));
    add("tree_head.signature: a byte is appended", (r) => (head(r).signature = Uint8Array.of(...head(r).signature, 0)));
  }
  if (auditorTreeHead !== undefined) {
    const head = (r: Response): NonNullable<Head["auditorTreeHead"]> =>
      r.fullTreeHead.auditorTreeHead as NonNullable<Head["auditorTreeHead"]>;
    add("auditor_tree_head.timestamp: one less", (r) => (head(r).timestamp -= 1));
    add("auditor_tree_head.timestamp: lags too far", (r) => (head(r).timestamp = 1));
    add("auditor_tree_head.timestamp: after the rightmost log entry", (r) => (head(r).timestamp += 2 ** 40));
    add("auditor_tree_head.tree_size: one less", (r) => (head(r).treeSize -= 1));
    add("auditor_tree_head.tree_size: larger than the tree", (r) => (head(r).treeSize += 1000));
    add("auditor_tree_head.signature: a bit is changed", (r) => flip(head(r).signature, 7));
  }
  if (response.version !== undefined) {
    add("version: one more", (r) => (r.version = (r.version as number) + 1));
    add("version: the greatest that there can be", (r) => (r.version = 2 ** 32 - 1));
    if (response.version > 0)
      add("version: an older one is passed off as the greatest", (r) => (r.version = (r.version as number) - 1));
  }
  if (response.opening !== undefined) add("opening: a bit is changed", (r) => flip(r.opening, 15));
  if (response.value !== undefined) {
    add("value: a bit is changed", (r) => flip(r.value?.value));
    add(
      "value: a byte is appended",
      (r) => ((r.value as { value: Uint8Array }).value = Uint8Array.of(...(r.value?.value ?? []), 0)),
    );
    if (response.value.suffix.signature !== undefined)
      add("value.suffix.signature: a bit is changed", (r) => flip(r.value?.suffix.signature, 3));
  }
  const { binaryLadder } = response;
  if (binaryLadder !== undefined) {
    for (const [reason, list] of listChanges("binary_ladder", binaryLadder, () => ({
      proof: new Uint8Array(80),
      commitment: undefined,
    })))
      add(reason, (r) => (r.binaryLadder = list));
    for (const [index, { commitment }] of binaryLadder.entries()) {
      const at = (r: Response): LadderStep => (r.binaryLadder as LadderStep[])[index] as LadderStep;
      add(`binary_ladder[${index}].proof: a bit of the scalar is changed`, (r) => flip(at(r).proof, 60));
      if (index === 0)
        for (const [reason, change] of pointChanges)
          add(`binary_ladder[0].proof: ${reason}`, (r) => change(at(r).proof));
      add(
        commitment === undefined
          ? `binary_ladder[${index}].commitment: present where it must be absent`
          : `binary_ladder[${index}].commitment: absent where it must be present`,
        (r) => (at(r).commitment = commitment === undefined ? randomHash() : undefined),
      );
    }
  }
  if (response.greatestVersions !== undefined) {
    for (const [reason, list] of listChanges("greatest_versions", response.greatestVersions, () => 0))
      add(reason, (r) => (r.greatestVersions = list));
    if (response.greatestVersions.length > 0) {
      add(
        "greatest_versions[0]: one more",
        (r) => ((r.greatestVersions as number[])[0] = (r.greatestVersions?.[0] ?? 0) + 1),
      );
      add("greatest_versions: ascending", (r) => (r.greatestVersions = [...(r.greatestVersions ?? []), 2 ** 32 - 1]));
    }
  }
  if (response.position !== undefined) {
    add("position: one less", (r) => (r.position = (r.position as number) - 1));
    add("position: beyond the tree", (r) => (r.position = (r.position as number) + 1000));
    add("position: zero, left of the owner's start", (r) => (r.position = 0));
  }
  if (response.skippedVersions !== undefined)
    add("skipped_versions: one more", (r) => (r.skippedVersions = (r.skippedVersions as number) + 1));
  if (response.info !== undefined) {
    for (const [reason, list] of listChanges("info", response.info, () => ({
      opening: new Uint8Array(16),
      suffix: {},
    })))
      add(reason, (r) => (r.info = list));
    add("info[0].opening: a bit is changed", (r) => flip(r.info?.[0]?.opening));
    if (response.info[0]?.suffix.signature !== undefined)
      add("info[0].suffix.signature: a bit is changed", (r) => flip(r.info?.[0]?.suffix.signature, 9));
  }
  if (response.values !== undefined && response.values.length > 0) {
    add("values[0]: a bit is changed", (r) => flip(r.values?.[0]?.value));
    for (const [reason, list] of listChanges("values", response.values, () => ({ value: new Uint8Array() })))
      add(reason, (r) => (r.values = list));
  }
  return changes;
}

/** Changes to the encoding itself. */
function encodingChanges(response: Uint8Array): Tampered[] {
  const withFirst = (value: number): Uint8Array => Uint8Array.of(value, ...response.slice(1));
  return [
    { reason: "a byte is left over", response: Uint8Array.of(...response, 0) },
    { reason: "the last byte is missing", response: response.slice(0, -1) },
    { reason: "nothing at all", response: new Uint8Array() },
    { reason: "full_tree_head.head_type: reserved(0)", response: withFirst(0) },
    { reason: "full_tree_head.head_type: not defined", response: withFirst(3) },
  ];
}

/** Every way in which this file knows to spoil a response. Changes that come to the same bytes are given once. */
export function tamper(codec: Codec<object>, response: Uint8Array): Tampered[] {
  const decoded = (): Response => decode(codec, response) as Response;
  const proofOf = (target: Response): Proof => {
    const fields = target as unknown as Record<string, Proof>;
    return fields[PROOF_FIELDS.find((field) => Object.hasOwn(fields, field)) as string] as Proof;
  };
  const seen = new Set([Buffer.from(response).toString("hex")]);
  const tampered: Tampered[] = [];
  const add = (reason: string, make: () => Uint8Array): void => {
    let bytes: Uint8Array;
    try {
      bytes = make();
    } catch (error) {
      if (error instanceof CodecError) return; // the change does not fit the wire
      throw error;
    }
    const key = Buffer.from(bytes).toString("hex");
    if (!seen.has(key)) tampered.push({ reason, response: bytes });
    seen.add(key);
  };
  for (const { reason, response: bytes } of encodingChanges(response)) add(reason, () => bytes);
  for (const [reason, change] of fieldChanges(decoded())) {
    const target = decoded();
    change(target);
    add(reason, () => encode(codec, target));
  }
  for (const [reason, change] of proofChanges(proofOf(decoded()))) {
    const target = decoded();
    change(proofOf(target));
    add(reason, () => encode(codec, target));
  }
  return tampered;
}

/** Ways to spoil a credential, its update or an auditor's update. */
export function tamperBytes(op: string, bytes: Uint8Array, wire: WireFormat): Tampered[] {
  const tampered: Tampered[] = [
    { reason: "a byte is left over", response: Uint8Array.of(...bytes, 0) },
    { reason: "the last byte is missing", response: bytes.slice(0, -1) },
    { reason: "nothing at all", response: new Uint8Array() },
  ];
  if (op === "credential") tampered.push(...credentialChanges(wire.Credential as Codec<object>, bytes));
  else if (op === "credentialUpdate")
    tampered.push(...nestedProof(CredentialUpdate as Codec<object>, bytes, "monitor"));
  else if (op === "managerUpdate") tampered.push(...managerChanges(wire.ManagerUpdateRequest as Codec<object>, bytes));
  else tampered.push(...auditorChanges(bytes));
  return tampered;
}

interface ManagerUpdate {
  label: Uint8Array;
  values: { value: Uint8Array; suffix: { signature: Uint8Array } }[];
  signedVersion: number;
}

function managerChanges(codec: Codec<object>, bytes: Uint8Array): Tampered[] {
  const change = (reason: string, apply: (request: ManagerUpdate) => void): Tampered => {
    const request = decode(codec, bytes) as ManagerUpdate;
    apply(request);
    return { reason, response: encode(codec, request) };
  };
  return [
    change("label: another one", (r) => flip(r.label)),
    change("values[0].value: a bit is changed", (r) => flip(r.values[0]?.value)),
    change("values[0].suffix.signature: a bit is changed", (r) => flip(r.values[0]?.suffix.signature, 9)),
    change("values: the last element is missing", (r) => void r.values.pop()),
    change("values: the first is there twice", (r) => void r.values.push(...r.values.slice(0, 1))),
    change("signed_version: one more than was signed", (r) => void (r.signedVersion += 1)),
    change("signed_version: one less than was signed", (r) => void (r.signedVersion -= 1)),
    change("signed_version: so great that versions overflow", (r) => void (r.signedVersion = 2 ** 32 - 1)),
  ];
}

interface Credential extends Omit<Response, "fullTreeHead"> {
  label: Uint8Array;
  version: number;
  position: number;
  credentialType: "standard" | "provisional";
  treeHead?: { treeSize: number; signature: Uint8Array };
}

function credentialChanges(codec: Codec<object>, bytes: Uint8Array): Tampered[] {
  const tampered: Tampered[] = [];
  const change = (reason: string, apply: (credential: Credential) => void): void => {
    const credential = decode(codec, bytes) as Credential;
    apply(credential);
    const response = encode(codec, credential);
    if (Buffer.compare(response, bytes) !== 0) tampered.push({ reason, response });
  };
  const { credentialType } = decode(codec, bytes) as Credential;
  change("label: another one", (c) => flip(c.label));
  change("version: one more", (c) => (c.version += 1));
  change("opening: a bit is changed", (c) => flip(c.opening));
  change("value: a bit is changed", (c) => flip(c.value?.value));
  change("position: one more, where the client knows no distinguished entry", (c) => (c.position += 1));
  change("position: far away", (c) => (c.position += 100_000));
  change("binary_ladder: the last element is missing", (c) => c.binaryLadder?.pop());
  change("binary_ladder[0].proof: a bit of the scalar is changed", (c) => flip(c.binaryLadder?.[0]?.proof, 60));
  for (const [index, { commitment }] of ((decode(codec, bytes) as Credential).binaryLadder ?? []).entries())
    change(
      commitment === undefined
        ? `binary_ladder[${index}].commitment: present where it must be absent`
        : `binary_ladder[${index}].commitment: absent where it must be present`,
      (c) => {
        ((c.binaryLadder as LadderStep[])[index] as LadderStep).commitment =
          commitment === undefined ? randomHash() : undefined;
      },
    );
  if (credentialType === "provisional") {
    change(
      "tree_head.tree_size: not beyond the position",
      (c) => ((c.treeHead as { treeSize: number }).treeSize = c.position),
    );
    change("tree_head.signature: a bit is changed", (c) => flip(c.treeHead?.signature, 4));
    tampered.push(...nestedProof(codec, bytes, "search"));
    return tampered;
  }
  const proof = (c: Credential): Proof["prefixProofs"][0] =>
    (c as unknown as { distinguished: Proof["prefixProofs"][0] }).distinguished;
  change("distinguished.results: the last element is missing", (c) => proof(c).results.pop());
  change("distinguished.results: an element too many", (c) =>
    proof(c).results.push({ resultType: "inclusion", depth: 1 }),
  );
  change("distinguished.results[0]: the depth is one more", (c) => ((proof(c).results[0] as Lookup).depth += 1));
  change("distinguished.elements: an element too many", (c) => proof(c).elements.push(randomHash()));
  change("distinguished.elements[0]: a bit is changed", (c) => flip(proof(c).elements[0]));
  return tampered;
}

function nestedProof(codec: Codec<object>, bytes: Uint8Array, field: "search" | "monitor"): Tampered[] {
  const proofOf = (value: object): Proof => (value as Record<string, Proof>)[field] as Proof;
  const original = Buffer.from(bytes).toString("hex");
  const tampered: Tampered[] = [];
  for (const [reason, apply] of proofChanges(proofOf(decode(codec, bytes)))) {
    const value = decode(codec, bytes);
    apply(proofOf(value));
    const response = encode(codec, value);
    if (Buffer.from(response).toString("hex") !== original) tampered.push({ reason, response });
  }
  return tampered;
}

function auditorChanges(bytes: Uint8Array): Tampered[] {
  const tampered: Tampered[] = [];
  const change = (
    reason: string,
    apply: (update: AuditorUpdate & { [K in keyof AuditorUpdate]: unknown }) => object,
  ): void => {
    const response = encode(AuditorUpdate, apply(decode(AuditorUpdate, bytes)) as AuditorUpdate);
    if (Buffer.compare(response, bytes) !== 0) tampered.push({ reason, response });
  };
  const { added, timestamp } = decode(AuditorUpdate, bytes);
  if (timestamp > 0) change("timestamp: before the previous entry's", (update) => ({ ...update, timestamp: 0 }));
  const leaf = { vrfOutput: randomHash(), commitment: randomHash() };
  change("removed: a leaf that the tree does not hold", (update) => ({ ...update, removed: [leaf] }));
  change("added: a leaf without a lookup", (update) => ({
    ...update,
    added: [...update.added, { ...leaf, vrfOutput: new Uint8Array(32).fill(255) }],
  }));
  change("proof.elements: an element too many", (update) => ({
    ...update,
    proof: { ...update.proof, elements: [...update.proof.elements, randomHash()] },
  }));
  change("proof.elements: one missing", (update) => ({
    ...update,
    proof: { ...update.proof, elements: update.proof.elements.slice(0, -1) },
  }));
  change("proof.results: one missing", (update) => ({
    ...update,
    proof: { ...update.proof, results: update.proof.results.slice(0, -1) },
  }));
  if (added.length > 1) {
    change("added: out of order", (update) => ({ ...update, added: update.added.toReversed() }));
    change("added: a leaf twice", (update) => ({ ...update, added: [update.added[0], ...update.added] }));
  }
  if (added.length > 0)
    change("proof.results[0]: a leaf is added that the tree is said to hold", (update) => ({
      ...update,
      proof: { ...update.proof, results: [{ resultType: "inclusion", depth: 1 }, ...update.proof.results.slice(1)] },
    }));
  return tampered;
}
