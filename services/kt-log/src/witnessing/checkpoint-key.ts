import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { KT_128_SHA256_Ed25519, type Signer } from "@mls-as/keytrans";
import { nodeSuite } from "@mls-as/keytrans/node";
import { formatVerifierKey, LOG_KEY, verifierKey, type VerifierKey } from "@mls-as/keytrans/witness";
import { writeDurably } from "@mls-as/service-runtime";
import { openSecret, type SealedSecret, sealSecret } from "@mls-as/signers";
import { KeyFileError } from "../keys.js";

/** In the data folder: the Ed25519 key that signs checkpoints, sealed under the passphrase of the keys. */
export const CHECKPOINT_KEY_FILE = "checkpoint-key.json";
const PURPOSE = new TextEncoder().encode("kt-log checkpoint key 1");

/** Signs checkpoints of the parallel log. Apart from the tree head key: one key never signs two formats. */
export interface CheckpointSigner {
  readonly key: VerifierKey;
  readonly signer: Signer;
}

/** Makes the key; it never changes, because witnesses and clients are configured with it. */
export async function createCheckpointKey(dataDir: string, passphrase: string): Promise<void> {
  const sealed = await sealSecret(passphrase, new Uint8Array(randomBytes(32)), PURPOSE);
  await writeDurably(join(dataDir, CHECKPOINT_KEY_FILE), `${JSON.stringify(sealed, undefined, 2)}\n`, 0o600);
}

/** The verifier key (vkey) that witnesses and clients are given; the key is made where there is none. */
export async function verifierKeyOf(dataDir: string, passphrase: string, origin: string): Promise<string> {
  if (!existsSync(join(dataDir, CHECKPOINT_KEY_FILE))) await createCheckpointKey(dataDir, passphrase);
  return formatVerifierKey((await openCheckpointKey(dataDir, passphrase, origin)).key);
}

/** @throws KeyFileError when the file is missing, altered, or sealed under another passphrase */
export async function openCheckpointKey(
  dataDir: string,
  passphrase: string,
  origin: string,
): Promise<CheckpointSigner> {
  const path = join(dataDir, CHECKPOINT_KEY_FILE);
  let secret: Uint8Array;
  try {
    secret = await openSecret(passphrase, JSON.parse(await readFile(path, "utf8")) as SealedSecret, PURPOSE);
  } catch (cause) {
    const hint = "restore it from the backup of the keys, or, for a log that never had one, run kt-log witness-key";
    throw new KeyFileError(`${path} cannot be opened; ${hint}`, { cause });
  }
  const signer = (await nodeSuite(KT_128_SHA256_Ed25519)).importSigner(secret);
  return { key: verifierKey(origin, LOG_KEY, signer.publicKey), signer };
}
