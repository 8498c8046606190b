import { concatBytes, equalBytes } from "@mls-as/tls-codec";
import { sha256 } from "@noble/hashes/sha2.js";
import { KeytransError } from "../errors.js";
import type { Signer } from "../suite/index.js";
import { KT_128_SHA256_Ed25519, nobleSuite } from "../suite/index.js";

const SECTION = "C2SP signed-note";
const utf8 = new TextEncoder();

/** A verifier key: name, signature type and key material. */
export interface VerifierKey {
  readonly name: string;
  /** 1: Ed25519 (logs), 4: Ed25519 cosignature (witnesses). */
  readonly type: number;
  readonly publicKey: Uint8Array;
  /** First four bytes of the hash of all of it. */
  readonly keyId: Uint8Array;
}

/** A signed note, split: the text that is signed, and its signature lines. */
export interface SignedNote {
  /** Ends with a newline. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly keyId: Uint8Array; readonly signature: Uint8Array }[];
}

export function noteError(message: string, path: string): KeytransError {
  return new KeytransError("unwitnessed-head", message, SECTION, path);
}

/** Signature type of a log's Ed25519 key, and of a witness' Ed25519 cosignatures. */
export const LOG_KEY = 1;
export const WITNESS_KEY = 4;

/** Verifiers accept at least 16 signatures; more than this many are a way to keep one busy. */
const MOST_SIGNATURES = 64;

export const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** Standard base64 with padding, nothing else. */
export function fromBase64(text: string, path: string): Uint8Array {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw noteError("not base64", path);
  const decoded = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (btoa(String.fromCharCode(...decoded)) !== text) throw noteError("not canonical base64", path);
  return decoded;
}

/** The key id of a name, signature type and key. */
export function noteKeyId(name: string, type: number, publicKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8.encode(`${name}\n`), Uint8Array.of(type), publicKey)).subarray(0, 4);
}

/** Refuses what could not stand in a signature line. @throws KeytransError unwitnessed-head */
export function verifierKey(name: string, type: number, publicKey: Uint8Array): VerifierKey {
  if (!/^[^+\s\p{Cc}]+$/u.test(name)) throw noteError("a key name has neither spaces nor plus", "name");
  return { name, type, publicKey, keyId: noteKeyId(name, type, publicKey) };
}

/** A key as a vkey: `name+hex key id+base64(type || key)`. */
export function formatVerifierKey({ name, type, publicKey, keyId }: VerifierKey): string {
  const id = [...keyId].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${name}+${id}+${toBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/** Parses a vkey: `name+hex key id+base64(type || key)`. @throws KeytransError unwitnessed-head */
export function parseVerifierKey(vkey: string): VerifierKey {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey);
  if (match === null) throw noteError(`not a verifier key: ${vkey}`, "policy");
  const [, name, id, material] = match as unknown as [string, string, string, string];
  const key = fromBase64(material, "policy");
  const type = key[0] ?? 0;
  const publicKey = key.subarray(1);
  const keyId = noteKeyId(name, type, publicKey);
  if (formatVerifierKey({ name, type, publicKey, keyId }).split("+")[1] !== id)
    throw noteError(`the key id of ${name} does not fit its key`, "policy");
  return { name, type, publicKey, keyId };
}

/** Unicode text whose only control character below U+0020 is the newline. */
function isNoteText(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 32 && text[i] !== "\n") return false;
  return !/\p{Surrogate}/u.test(text);
}

/** Splits a signed note. @throws KeytransError unwitnessed-head */
export function parseSignedNote(note: string): SignedNote {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) throw noteError("no signatures", "checkpoint");
  if (!isNoteText(note)) throw noteError("a note is text without control characters", "checkpoint");
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > MOST_SIGNATURES) throw noteError("too many signatures", "checkpoint");
  const signatures = lines.map((line, i) => {
    const match = /^\u2014 ([^+\s]+) (\S+)$/.exec(line);
    if (match === null) throw noteError("not a signature line", `checkpoint.signatures[${i}]`);
    const [, name, encoded] = match as unknown as [string, string, string];
    const decoded = fromBase64(encoded, `checkpoint.signatures[${i}]`);
    if (decoded.length < 5) throw noteError("too short a signature", `checkpoint.signatures[${i}]`);
    return { name, keyId: decoded.subarray(0, 4), signature: decoded.subarray(4) };
  });
  return { text: note.slice(0, split + 1), signatures };
}

/** The signatures of a note that name a key. */
export const signaturesBy = (note: SignedNote, key: VerifierKey): Uint8Array[] =>
  note.signatures
    .filter(({ name, keyId }) => name === key.name && equalBytes(keyId, key.keyId))
    .map(({ signature }) => signature);

/** A line of a note's signatures. */
export function signatureLine({ name, keyId }: VerifierKey, signature: Uint8Array): string {
  return `\u2014 ${name} ${toBase64(concatBytes(keyId, signature))}\n`;
}

/** Signs a note's text as a log does, with an Ed25519 key. @returns the signature line */
export async function signNote(text: string, key: VerifierKey, signer: Signer): Promise<string> {
  return signatureLine(key, await signer.sign(utf8.encode(text)));
}

/** Whether one of the note's signatures is a log's Ed25519 key's. */
export async function isSignedBy(note: SignedNote, key: VerifierKey): Promise<boolean> {
  if (key.type !== LOG_KEY) return false;
  for (const signature of signaturesBy(note, key))
    if (await verifyEd25519(key, utf8.encode(note.text), signature)) return true;
  return false;
}

/** Whether `signature` is the key's over `message`; false too for a key that is no point. */
export async function verifyEd25519(key: VerifierKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    return await nobleSuite(KT_128_SHA256_Ed25519).importSignatureKey(key.publicKey).verify(message, signature);
  } catch {
    return false;
  }
}
