import { readFileSync } from "node:fs";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  defaultPolicy,
  type DeviceList,
  encodeDeviceList,
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  encodePolicy,
  GhostDetector,
  type GhostDetectorOptions,
  type GhostEvent,
  readPolicy,
  type SightedCredential,
  type SightedLeaf,
  type ValidationPolicy,
} from "@mls-as/mls-credentials";
import type { Outcome } from "./main.js";
import { fromWireJson, hex, refuseUnknown, unhex } from "./wire-json.js";

/** What a trace expects of one finding: the members given must be equal. */
interface ExpectedFinding {
  readonly kind: string;
  readonly life: string;
  readonly user?: string;
  readonly client?: string;
  readonly group?: string;
}

type TraceEvent = Record<string, unknown> & {
  readonly type: string;
  readonly at: number;
  readonly expect?: readonly ExpectedFinding[];
};

/** One observer and what happens to it. Format: docs/conformance.md. */
export interface GhostTrace {
  readonly name: string;
  readonly comment?: string;
  readonly self: string;
  readonly own_keys: readonly { readonly client: string; readonly spki_hash: string }[];
  readonly policy?: Partial<ValidationPolicy>;
  readonly log_id?: string;
  readonly credentials?: Readonly<Record<string, Record<string, unknown>>>;
  readonly events: readonly TraceEvent[];
  readonly end: readonly ExpectedFinding[];
}

const TRACE = ["name", "comment", "self", "own_keys", "policy", "log_id", "credentials", "events", "end"];
const FINDING = ["kind", "life", "user", "client", "group"];
const CREDENTIAL = {
  reference: "reference",
  type: "type",
  user: "user",
  client: "client",
  spki_hash: "spkiHash",
  tbs_certificate_hash: "tbsCertificateHash",
  key_matches: "keyMatches",
  not_before: "notBefore",
  not_after: "notAfter",
  signature_key: "signatureKey",
} as const;

/** A sighted credential from a trace: named ones first, then the members given in place. */
function readCredential(given: unknown, trace: GhostTrace): SightedCredential {
  if (typeof given !== "object" || given === null) throw new Error("a credential is an object");
  const { credential, ...changes } = given as Record<string, unknown>;
  const named = credential === undefined ? {} : trace.credentials?.[credential as string];
  if (named === undefined) throw new Error(`no credential is named ${JSON.stringify(credential)}`);
  const value: Record<string, unknown> = { type: "x509", key_matches: true, ...named, ...changes };
  refuseUnknown(value, Object.keys(CREDENTIAL), "credential");
  const sighted: Record<string, unknown> = { not_before: 0, not_after: 0 };
  for (const [wire, name] of Object.entries(CREDENTIAL))
    if (wire in value) sighted[name] = readMember(wire, value[wire]);
  const {
    type,
    user = "",
    client = "",
    spkiHash = "",
    tbsCertificateHash = "",
    reference,
  } = sighted as Record<string, string>;
  if (typeof reference !== "string") throw new Error("a credential needs a reference");
  return {
    reference,
    type: type as SightedCredential["type"],
    user,
    client,
    spkiHash,
    tbsCertificateHash,
    keyMatches: sighted["keyMatches"] === true,
    notBefore: Number(sighted["notBefore"] ?? 0),
    notAfter: Number(sighted["notAfter"] ?? 0),
    ...(typeof sighted["signatureKey"] === "string" ? { signatureKey: sighted["signatureKey"] } : {}),
  };
}

const HEX = new Set(["spki_hash", "tbs_certificate_hash", "signature_key", "encryption_key"]);
const TYPES = ["x509", "basic", "other"];
const SOURCES = ["key_package", "update", "commit"] as const;

/** A member of a credential, of its type. */
function readMember(name: string, value: unknown): unknown {
  if (name === "key_matches") return typeof value === "boolean" ? value : refuseMember(name);
  if (name === "not_before" || name === "not_after") return Number.isSafeInteger(value) ? value : refuseMember(name);
  if (typeof value !== "string") return refuseMember(name);
  if (name === "type" && !TYPES.includes(value)) return refuseMember(name);
  return HEX.has(name) ? hex(unhex(value, name)) : value;
}

function refuseMember(name: string): never {
  throw new Error(`${name} is not of its type`);
}

/** The value of a logged list: hex, or the list itself in the form of the device-list vectors. */
function readValue(value: unknown): Uint8Array {
  return typeof value === "string" ? unhex(value, "value") : encodeDeviceList(fromWireJson(value) as DeviceList);
}

/** Members of each event besides `type`, `at` and `expect`. */
const EVENT_FIELDS: Readonly<Record<GhostEvent["type"], readonly string[]>> = {
  "device-list": ["user", "version", "value", "proven_at", "greatest"],
  "log-unavailable": ["user"],
  head: ["log_id", "position", "root", "source"],
  "log-misbehaviour": ["log_id", "kind", "evidence"],
  tree: ["group", "epoch", "current", "leaves"],
  left: ["group"],
  "key-package": ["credential"],
  "own-key": ["client", "spki_hash", "enrolled"],
  "confirm-device": ["client", "spki_hash"],
  acknowledge: ["finding"],
  tick: [],
};

const MISBEHAVIOURS = [
  "fork",
  "non-monotonic-timestamps",
  "inconsistent-ladder",
  "lagging-auditor",
  "wrong-root",
] as const;

function readEvent(event: TraceEvent, trace: GhostTrace): GhostEvent {
  const fields = (EVENT_FIELDS as Readonly<Record<string, readonly string[]>>)[event.type];
  if (fields === undefined) throw new Error(`unknown event ${event.type}`);
  refuseUnknown(event, ["type", "at", "expect", ...fields], `event ${event.type}`);
  const { at } = event;
  const text = (name: string): string => {
    if (typeof event[name] !== "string") throw new Error(`event ${event.type}: ${name} is not a string`);
    return event[name];
  };
  const number = (name: string): number => {
    if (typeof event[name] !== "number") throw new Error(`event ${event.type}: ${name} is not a number`);
    return event[name];
  };
  const octets = (name: string): string => hex(unhex(text(name), name));
  if (!Number.isFinite(at)) throw new Error(`event ${event.type}: at is not a number`);
  switch (event.type) {
    case "device-list":
      return {
        type: "device-list",
        at,
        user: text("user"),
        version: number("version"),
        value: readValue(event["value"]),
        provenAt: number("proven_at"),
        ...(event["greatest"] === false ? { greatest: false } : {}),
      };
    case "log-unavailable":
      return { type: "log-unavailable", at, user: text("user") };
    case "head":
      return {
        type: "head",
        at,
        logId: octets("log_id"),
        position: number("position"),
        root: octets("root"),
        source: text("source"),
      };
    case "log-misbehaviour": {
      const kind = MISBEHAVIOURS.find((name) => name === event["kind"]);
      if (kind === undefined) return refuseMember("kind");
      return { type: "log-misbehaviour", at, logId: octets("log_id"), kind, evidence: octets("evidence") };
    }
    case "tree": {
      if (!Array.isArray(event["leaves"])) throw new Error("event tree: leaves is not a list");
      const leaves = (event["leaves"] as readonly Record<string, unknown>[]).map((leaf) => readLeaf(leaf, trace));
      return {
        type: "tree",
        at,
        group: text("group"),
        epoch: number("epoch"),
        current: event["current"] !== false,
        leaves,
      };
    }
    case "left":
      return { type: "left", at, group: text("group") };
    case "key-package":
      return { type: "key-package", at, credential: readCredential(event["credential"], trace) };
    case "own-key": {
      const enrolled = event["enrolled"] as
        | { tbs_certificate_hash: string; version: number; not_after: number }
        | undefined;
      return {
        type: "own-key",
        at,
        client: text("client"),
        spkiHash: octets("spki_hash"),
        ...(enrolled === undefined
          ? {}
          : {
              enrolled: {
                tbsCertificateHash: hex(unhex(enrolled.tbs_certificate_hash, "tbs_certificate_hash")),
                version: enrolled.version,
                notAfter: enrolled.not_after,
              },
            }),
      };
    }
    case "confirm-device":
      return { type: "confirm-device", at, client: text("client"), spkiHash: octets("spki_hash") };
    case "acknowledge":
      return { type: "acknowledge", at, finding: text("finding") };
    default:
      return { type: "tick", at };
  }
}

function readLeaf(leaf: Record<string, unknown>, trace: GhostTrace): SightedLeaf {
  const { leaf_index: leafIndex, source: given = "key_package", encryption_key: key, ...credential } = leaf;
  const source = SOURCES.find((name) => name === given);
  if (!Number.isSafeInteger(leafIndex) || source === undefined) return refuseMember("leaf_index or source");
  const place = { leafIndex: leafIndex as number, source };
  const encryptionKey = key === undefined ? {} : { encryptionKey: readMember("encryption_key", key) as string };
  return { ...readCredential(credential, trace), ...place, ...encryptionKey };
}

function fits(finding: Finding, expected: ExpectedFinding): boolean {
  return (
    finding.kind === expected.kind &&
    finding.life === expected.life &&
    (expected.user === undefined || finding.user === expected.user) &&
    (expected.client === undefined || finding.client === expected.client) &&
    (expected.group === undefined || finding.group === expected.group)
  );
}

/** Findings and expectations must pair off one to one. */
function compare(
  findings: readonly Finding[],
  expected: readonly ExpectedFinding[],
  where: string,
): string | undefined {
  const left = [...findings];
  for (const each of expected) {
    refuseUnknown(each, FINDING, where);
    if (!FINDING_KINDS.includes(each.kind as FindingKind)) throw new Error(`unknown finding ${each.kind}`);
    const at = left.findIndex((finding) => fits(finding, each));
    if (at < 0)
      return `${where}: ${each.kind} ${each.life} is missing, got ${left.map(({ kind, life }) => `${kind} ${life}`).join(", ") || "nothing"}`;
    left.splice(at, 1);
  }
  if (left.length === 0) return undefined;
  return `${where}: unexpected ${left.map(({ kind, life, client }) => `${kind} ${life} of ${client ?? "-"}`).join(", ")}`;
}

export interface TraceOptions {
  readonly disabled?: ReadonlySet<FindingKind>;
  /** Restart the detector from its snapshot after every event: nothing may change. */
  readonly restart?: boolean;
}

/** Runs a trace; returns the reason it fails, or undefined. */
export async function runTrace(trace: GhostTrace, options: TraceOptions = {}): Promise<string | undefined> {
  refuseUnknown(trace, TRACE, "trace");
  const { format: _format, domains: _domains, ...base } = defaultPolicy({});
  refuseUnknown(trace.policy ?? {}, Object.keys(base), "policy");
  const setting: GhostDetectorOptions = {
    self: trace.self,
    ownKeys: trace.own_keys.map(({ client, spki_hash }) => ({ client, spkiHash: unhex(spki_hash, "spki_hash") })),
    policy: readPolicy(encodePolicy({ ...defaultPolicy({}), ...trace.policy })),
    provider: nodeProvider,
    ...(trace.log_id === undefined ? {} : { logId: unhex(trace.log_id, "log_id") }),
    ...(options.disabled === undefined ? {} : { disabled: options.disabled }),
  };
  let detector = new GhostDetector(setting);
  for (const [i, event] of trace.events.entries()) {
    const { findings } = await detector.observe(readEvent(event, trace));
    const wrong =
      event.expect === undefined ? undefined : compare(findings, event.expect, `event ${i} (${event.type})`);
    if (wrong !== undefined) return wrong;
    if (options.restart === true) detector = GhostDetector.restore(setting, detector.snapshot());
  }
  return compare(
    detector.findings().filter(({ life }) => life !== "resolved"),
    trace.end,
    "at the end",
  );
}

/** Event traces through the ghost detector. */
export async function runGhost(paths: string[], report: (outcome: Outcome) => void): Promise<void> {
  for (const path of paths) {
    const file = JSON.parse(readFileSync(path, "utf8")) as { readonly traces: readonly GhostTrace[] };
    for (const trace of file.traces) {
      let detail: string | undefined;
      try {
        detail = await runTrace(trace);
      } catch (error) {
        detail = `the trace cannot be run: ${(error as Error).message}`;
      }
      report({ case: `${path}: ${trace.name}`, ok: detail === undefined, ...(detail === undefined ? {} : { detail }) });
    }
  }
}
