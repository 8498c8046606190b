import {
  type Infer,
  bytes,
  CodecError,
  decode,
  encode,
  opaque,
  refined,
  struct,
  uint16,
  uint64Number,
  vector,
} from "@mls-as/tls-codec";
import type { ClientState } from "@mls-as/keytrans/client";
import type { Exchange } from "@mls-as/kt-client";
import { base64UrlBytes, hex, toBase64Url } from "../bytes-text.js";
import type { Context } from "../context.js";
import type { SignedRoot } from "../evidence/bundle-kinds.js";
import { exchangeJson, readExchangeJson } from "../evidence/bundle.js";
import { Failure } from "../failure.js";
import { parseJson, readBytes } from "../json-file.js";

const PREFIX = "KT1:";
const FORMAT = "kt-gossip/1";

/** What fits a QR code: the newest signed head, and the roots at the recent distinguished entries. */
const Payload = struct({
  format: refined(uint16, (format) => (format === 1 ? undefined : `unknown format ${format}`)),
  logId: bytes(32),
  /** When the head was fetched, milliseconds. */
  madeAt: uint64Number,
  treeSize: uint64Number,
  root: bytes(32),
  signature: opaque(0, 255),
  heads: vector(struct({ position: uint64Number, root: bytes(32) }), 0, 255),
});
type Payload = Infer<typeof Payload>;

/** One vantage point's view of a log. */
export interface Gossip {
  readonly logId: Uint8Array;
  readonly madeAt: number;
  readonly head: SignedRoot;
  /** Roots when each distinguished entry was the rightmost. */
  readonly heads: readonly { readonly position: number; readonly root: Uint8Array }[];
  /** The walk that shows all this, made without an earlier view; absent in a QR code. */
  readonly walk: Exchange | undefined;
}

export function gossipOf(
  logId: Uint8Array,
  { view, distinguished }: ClientState,
  madeAt: number,
  walk: Exchange,
): Gossip {
  if (view === undefined) throw new Failure("usage", "Nothing is known of the log yet.");
  const { treeSize, signature } = view.treeHead;
  const heads = distinguished.map(({ position, root }) => ({ position, root }));
  return { logId, madeAt, head: { treeSize, root: view.root, signature }, heads, walk };
}

/** The text of a QR code. */
export function gossipText({ logId, madeAt, head, heads }: Gossip): string {
  return PREFIX + toBase64Url(encode(Payload, { format: 1, logId, madeAt, ...head, heads }));
}

/** The file: the text with the walk that proves it. */
export function gossipJson(gossip: Gossip): unknown {
  return {
    format: FORMAT,
    log: hex(gossip.logId),
    payload: gossipText(gossip),
    ...(gossip.walk && { walk: exchangeJson(gossip.walk) }),
  };
}

/** Reads a gossip file, or the text of a QR code. @throws Failure */
export async function readGossip(context: Context, path: string): Promise<Gossip> {
  const text = path.startsWith(PREFIX) ? path : new TextDecoder().decode(await readBytes(context, path)).trim();
  if (text.startsWith(PREFIX)) return readPayload(text, undefined);
  const value = parseJson(new TextEncoder().encode(text), path) as Record<string, unknown> | null;
  if (value?.["format"] !== FORMAT || typeof value["payload"] !== "string")
    throw new Failure("file-malformed", `${path} is no gossip of kt.`, { path });
  return readPayload(value["payload"], value["walk"] === undefined ? undefined : readExchangeJson(value["walk"]));
}

function readPayload(text: string, walk: Exchange | undefined): Gossip {
  try {
    const { logId, madeAt, treeSize, root, signature, heads }: Payload = decode(
      Payload,
      base64UrlBytes(text.slice(PREFIX.length), "payload"),
    );
    return { logId, madeAt, head: { treeSize, root, signature }, heads, walk };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new Failure("file-malformed", `The payload is damaged: ${error.message}.`, { path: "payload", cause: error });
  }
}
