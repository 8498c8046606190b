import { decodeEvidence, encodeEvidence, type EvidenceOperation } from "@mls-as/keytrans";
import type { Exchange } from "@mls-as/kt-client";
import { base64UrlBytes, toBase64Url } from "../bytes-text.js";
import { Failure } from "../failure.js";
import type { Bundle, SignedRoot } from "./bundle-kinds.js";

const FORMAT = "kt-evidence/1";
/** Octets of a hash in every cipher suite of the draft. */
const HASH = 32;

type Json = Readonly<Record<string, unknown>>;

function exchangeJson(exchange: Exchange): Json {
  return {
    operation: exchange.operation,
    configuration: toBase64Url(exchange.configuration),
    recent: exchange.recent,
    state: toBase64Url(exchange.state),
    request: toBase64Url(exchange.request),
    responses: exchange.responses.map(toBase64Url),
    now: exchange.now,
  };
}

const rootJson = ({ treeSize, root, signature }: SignedRoot): Json => ({
  treeSize,
  root: toBase64Url(root),
  signature: toBase64Url(signature),
});

/** The JSON of an evidence file; byte strings as base64url. Format in docs/kt.md. */
export function bundleJson(bundle: Bundle): Json {
  const { kind } = bundle;
  switch (bundle.kind) {
    case "exchange":
      return {
        format: FORMAT,
        kind,
        rule: bundle.evidence.kind,
        operation: bundle.evidence.operation,
        now: bundle.evidence.now,
        evidence: toBase64Url(encodeEvidence(bundle.evidence)),
      };
    case "fork":
      return { format: FORMAT, kind, exchanges: bundle.exchanges.map(exchangeJson) };
    case "signed-root":
      return { format: FORMAT, kind, head: rootJson(bundle.head), exchange: exchangeJson(bundle.exchange) };
    case "unverifiable":
      return { format: FORMAT, kind, code: bundle.code, exchange: exchangeJson(bundle.exchange) };
    case "tree-heads":
      return {
        format: FORMAT,
        kind,
        configuration: toBase64Url(bundle.configuration),
        small: rootJson(bundle.small),
        large: rootJson(bundle.large),
        heads: bundle.heads.map(toBase64Url),
        appended: bundle.appended.map(toBase64Url),
      };
    case "audit":
      return {
        format: FORMAT,
        kind,
        configuration: toBase64Url(bundle.configuration),
        state: toBase64Url(bundle.state),
        updates: bundle.updates.map(toBase64Url),
        ...(bundle.after && {
          after: { treeSize: bundle.after.treeSize, signature: toBase64Url(bundle.after.signature) },
        }),
      };
  }
}

/** The encoded configuration of the log that a bundle is about. */
export function bundleConfiguration(bundle: Bundle): Uint8Array {
  if (bundle.kind === "exchange") return bundle.evidence.configuration;
  if (bundle.kind === "fork") return bundle.exchanges[0].configuration;
  return "exchange" in bundle ? bundle.exchange.configuration : bundle.configuration;
}

/** Whether a JSON value calls itself an evidence file of `kt`. */
export const isBundle = (value: unknown): boolean => (value as Json | null)?.["format"] === FORMAT;

const OPERATIONS: ReadonlySet<string> = new Set<EvidenceOperation>([
  "search",
  "contactMonitor",
  "ownerInit",
  "ownerMonitor",
  "update",
  "distinguished",
]);

/** Reads fields with their paths. */
class Fields {
  readonly #value: Json;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new Failure("file-malformed", `${path === "" ? "the file" : path} is not an object`, { path });
    this.#value = value as Json;
    this.#path = path === "" ? "" : `${path}.`;
  }

  has(name: string): boolean {
    return this.#value[name] !== undefined;
  }
  object(name: string): Fields {
    return new Fields(this.#value[name], this.#path + name);
  }
  objects(name: string): Fields[] {
    const value = this.#value[name];
    if (!Array.isArray(value)) return this.refuse(name, "a list is due");
    return value.map((each, i) => new Fields(each, `${this.#path}${name}[${i}]`));
  }
  bytes(name: string): Uint8Array {
    return base64UrlBytes(this.#value[name], this.#path + name);
  }
  list(name: string): Uint8Array[] {
    const value = this.#value[name];
    if (!Array.isArray(value)) return this.refuse(name, "a list is due");
    return value.map((each, i) => base64UrlBytes(each, `${this.#path}${name}[${i}]`));
  }
  /** A value of the tree. Bytes of any other length hash to what no tree holds. */
  hash(name: string): Uint8Array {
    return this.#sized(name, this.bytes(name));
  }
  hashes(name: string): Uint8Array[] {
    return this.list(name).map((bytes, i) => this.#sized(`${name}[${i}]`, bytes));
  }
  #sized(name: string, bytes: Uint8Array): Uint8Array {
    return bytes.length === HASH ? bytes : this.refuse(name, `a hash of ${HASH} octets is due`);
  }
  count(name: string): number {
    const value = this.#value[name];
    return Number.isSafeInteger(value) && (value as number) >= 0
      ? (value as number)
      : this.refuse(name, "a count is due");
  }
  text(name: string): string {
    const value = this.#value[name];
    return typeof value === "string" ? value : this.refuse(name, "a string is due");
  }
  refuse(name: string, why: string): never {
    throw new Failure("file-malformed", `${this.#path}${name}: ${why}`, { path: this.#path + name });
  }
}

function readExchange(fields: Fields): Exchange {
  const operation = fields.text("operation");
  if (!OPERATIONS.has(operation)) fields.refuse("operation", "not an operation of the protocol");
  return {
    operation: operation as EvidenceOperation,
    configuration: fields.bytes("configuration"),
    recent: fields.count("recent"),
    state: fields.bytes("state"),
    request: fields.bytes("request"),
    responses: fields.list("responses"),
    now: fields.count("now"),
  };
}

function readRoot(fields: Fields): SignedRoot {
  return { treeSize: fields.count("treeSize"), root: fields.hash("root"), signature: fields.bytes("signature") };
}

/** Reads an evidence file. @throws Failure file-malformed */
export function readBundle(value: unknown): Bundle {
  const fields = new Fields(value, "");
  if (fields.text("format") !== FORMAT) fields.refuse("format", `${FORMAT} is due`);
  const kind = fields.text("kind");
  switch (kind) {
    case "exchange":
      return { kind, evidence: decodeEvidence(fields.bytes("evidence")) };
    case "fork": {
      const [one, other, ...more] = fields.objects("exchanges").map(readExchange);
      if (one === undefined || other === undefined || more.length > 0)
        return fields.refuse("exchanges", "two exchanges are due");
      return { kind, exchanges: [one, other] };
    }
    case "signed-root":
      return { kind, head: readRoot(fields.object("head")), exchange: readExchange(fields.object("exchange")) };
    case "unverifiable":
      return { kind, exchange: readExchange(fields.object("exchange")), code: fields.text("code") };
    case "tree-heads":
      return {
        kind,
        configuration: fields.bytes("configuration"),
        small: readRoot(fields.object("small")),
        large: readRoot(fields.object("large")),
        heads: fields.hashes("heads"),
        appended: fields.hashes("appended"),
      };
    case "audit":
      return {
        kind,
        configuration: fields.bytes("configuration"),
        state: fields.bytes("state"),
        updates: fields.list("updates"),
        ...(fields.has("after") && {
          after: {
            treeSize: fields.object("after").count("treeSize"),
            signature: fields.object("after").bytes("signature"),
          },
        }),
      };
    default:
      return fields.refuse("kind", `no kind of evidence known here: ${kind}`);
  }
}

/** Reads a saved exchange of a proof file. @throws Failure file-malformed */
export const readExchangeJson = (value: unknown): Exchange => readExchange(new Fields(value, "exchange"));
export { exchangeJson };
