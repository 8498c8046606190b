import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { RandomSource, Suite } from "@mls-as/keytrans";
import { writeDurably } from "@mls-as/service-runtime";
import { concatBytes } from "@mls-as/tls-codec";

/** The log's private keys: 32 bytes each, in memory while the log runs. */
export interface LogKeys {
  /** Signs tree heads. */
  readonly signature: Uint8Array;
  /** Computes search keys. Whoever learns it can test which labels exist. */
  readonly vrf: Uint8Array;
}

export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

/** RFC 7914 parameters: 64 MiB and about 0.1 s, paid once at start. */
const SCRYPT = { N: 65_536, r: 8, p: 1 } as const;
const FORMAT = "kt-log keys 1";

interface KeyFile {
  readonly format: typeof FORMAT;
  readonly salt: string;
  readonly iv: string;
  /** AES-256-GCM over signature key ‖ VRF key, tag appended; `format` is authenticated. */
  readonly sealed: string;
}

const deriveKey = (passphrase: string, salt: Uint8Array): Buffer =>
  scryptSync(passphrase.normalize("NFC"), salt, 32, { ...SCRYPT, maxmem: 256 * SCRYPT.N * SCRYPT.r });

/** Makes both keys and writes them encrypted, mode 0600. */
export async function createKeys(
  path: string,
  passphrase: string,
  suite: Suite,
  random: RandomSource,
): Promise<LogKeys> {
  const keys: LogKeys = { signature: suite.generatePrivateKey(random), vrf: suite.generatePrivateKey(random) };
  const salt = randomBytes(16);
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", deriveKey(passphrase, salt), iv);
  cipher.setAAD(Buffer.from(FORMAT));
  const sealed = Buffer.concat([
    cipher.update(concatBytes(keys.signature, keys.vrf)),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  const file: KeyFile = {
    format: FORMAT,
    salt: salt.toString("base64url"),
    iv: iv.toString("base64url"),
    sealed: sealed.toString("base64url"),
  };
  await writeDurably(path, `${JSON.stringify(file, undefined, 2)}\n`, 0o600);
  return keys;
}

/** @throws KeyFileError when the file is missing, altered, or sealed under another passphrase */
export async function openKeys(path: string, passphrase: string): Promise<LogKeys> {
  let file: KeyFile;
  try {
    file = JSON.parse(await readFile(path, "utf8")) as KeyFile;
  } catch (cause) {
    throw new KeyFileError(`cannot read the key file ${path}`, { cause });
  }
  if (file.format !== FORMAT) throw new KeyFileError(`${path} is not a key file of this version`);
  try {
    const sealed = Buffer.from(file.sealed, "base64url");
    const key = deriveKey(passphrase, Buffer.from(file.salt, "base64url"));
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(file.iv, "base64url"), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(FORMAT));
    decipher.setAuthTag(sealed.subarray(-16));
    const secrets = new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]));
    return { signature: secrets.slice(0, 32), vrf: secrets.slice(32, 64) };
  } catch (cause) {
    throw new KeyFileError(`${path} cannot be decrypted: wrong passphrase or altered file`, { cause });
  }
}
