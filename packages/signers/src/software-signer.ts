import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "./durable-file.js";
import { algorithmOfPublicKey, keyId } from "./public-key.js";
import { openSecret, PassphraseKeys, type SealedSecret, sealSecret } from "./sealed-secret.js";
import {
  KEY_ROLES,
  type KeyAlgorithm,
  type KeyDescription,
  type KeyRole,
  type Signer,
  SignerError,
  type SigningKey,
} from "./signer.js";

/** A key file: PKCS#8 sealed; id, role, algorithm and public key are readable, and authenticated with it. */
interface KeyFile extends SealedSecret {
  readonly format: 1;
  readonly id: string;
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm;
  /** base64url of the DER SubjectPublicKeyInfo. */
  readonly publicKey: string;
}

function associatedData(file: Omit<KeyFile, keyof SealedSecret>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify([file.format, file.id, file.role, file.algorithm, file.publicKey]));
}

function unreadable(path: string, cause?: unknown): SignerError {
  return new SignerError(
    "key-unreadable",
    `the key file ${path} cannot be opened: wrong passphrase, or an altered file`,
    { path, ...(cause === undefined ? {} : { cause }) },
  );
}

function parseKeyFile(text: string, path: string): KeyFile {
  let file: KeyFile;
  try {
    file = JSON.parse(text) as KeyFile;
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (typeof file !== "object" || file === null || file.format !== 1 || typeof file.publicKey !== "string")
    throw unreadable(path);
  const spki = Buffer.from(file.publicKey, "base64url");
  const sound =
    KEY_ROLES.includes(file.role) && algorithmOfPublicKey(spki) === file.algorithm && keyId(spki) === file.id;
  if (!sound) throw unreadable(path);
  return file;
}

function describe({ id, role, algorithm, publicKey }: KeyFile): KeyDescription {
  return { id, role, algorithm, publicKey: new Uint8Array(Buffer.from(publicKey, "base64url")) };
}

async function readKeyFile(path: string, id: string): Promise<KeyFile> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") throw new SignerError("key-unknown", `there is no key ${id}`, { path: id, cause });
    throw new SignerError("key-unreadable", `the key file ${path} cannot be read: ${cause.code ?? ""}`, {
      path,
      cause,
    });
  });
  return parseKeyFile(text, path);
}

async function unseal(file: KeyFile, path: string, passphrase: string | PassphraseKeys): Promise<KeyObject> {
  try {
    const pkcs8 = Buffer.from(await openSecret(passphrase, file, associatedData(file)));
    const key = createPrivateKey({ key: pkcs8, type: "pkcs8", format: "der" });
    pkcs8.fill(0);
    const spki = createPublicKey(key).export({ type: "spki", format: "der" });
    if (spki.toString("base64url") !== file.publicKey) throw new Error("the private key belongs to another public key");
    return key;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * Keys as files `<id>.key` in one folder, mode 0600: PKCS#8, encrypted with AES-256-GCM under a key that scrypt makes of
 * the passphrase. In use they are in this process's memory; who can read that has them.
 */
export class SoftwareSigner implements Signer {
  readonly #folder: string;
  #passphrase: PassphraseKeys | undefined;
  readonly #keys = new Map<string, { readonly description: KeyDescription; readonly key: KeyObject }>();

  constructor(folder: string, passphrase: string) {
    if (passphrase === "")
      throw new SignerError(
        "passphrase-missing",
        "an empty passphrase protects no key; give one by file or environment",
      );
    this.#folder = folder;
    this.#passphrase = new PassphraseKeys(passphrase);
  }

  async generate(role: KeyRole, algorithm: KeyAlgorithm): Promise<SigningKey> {
    const passphrase = this.#secret();
    const { privateKey, publicKey } =
      algorithm === "Ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
    const spki = publicKey.export({ type: "spki", format: "der" });
    const id = keyId(spki);
    const head = { format: 1, id, role, algorithm, publicKey: spki.toString("base64url") } as const;
    const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" });
    const file: KeyFile = { ...head, ...(await sealSecret(passphrase, pkcs8, associatedData(head))) };
    pkcs8.fill(0);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeDurably(this.#path(id), `${JSON.stringify(file, undefined, 2)}\n`, 0o600);
    return this.#keep({ id, role, algorithm, publicKey: new Uint8Array(spki) }, privateKey);
  }

  async open(id: string, role: KeyRole): Promise<SigningKey> {
    if (!/^[0-9a-f]{32}$/.test(id)) throw new SignerError("key-unknown", `${id} is no key id`, { path: id });
    const passphrase = this.#secret();
    const known = this.#keys.get(id);
    if (known !== undefined) {
      requireRole(known.description, role);
      return this.#usable(known.description);
    }
    const path = this.#path(id);
    const file = await readKeyFile(path, id);
    if (file.id !== id) throw unreadable(path);
    requireRole(file, role);
    return this.#keep(describe(file), await unseal(file, path, passphrase));
  }

  async list(): Promise<readonly KeyDescription[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const keys: KeyDescription[] = [];
    for (const name of names.filter((entry) => entry.endsWith(".key")).sort())
      keys.push(describe(await readKeyFile(join(this.#folder, name), name.slice(0, -4))));
    return keys;
  }

  async close(): Promise<void> {
    this.#keys.clear();
    this.#passphrase?.forget();
    this.#passphrase = undefined;
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.key`);
  }

  #secret(): PassphraseKeys {
    if (this.#passphrase === undefined) throw new SignerError("key-unavailable", "this signer is closed");
    return this.#passphrase;
  }

  #keep(description: KeyDescription, key: KeyObject): SigningKey {
    if (this.#passphrase !== undefined) this.#keys.set(description.id, { description, key });
    return this.#usable(description);
  }

  #usable(description: KeyDescription): SigningKey {
    const { id, role, algorithm, publicKey } = description;
    const digest = algorithm === "Ed25519" ? null : "sha256";
    const signWith = async (data: Uint8Array): Promise<Uint8Array> => {
      const held = this.#keys.get(id);
      if (held === undefined) throw new SignerError("key-unavailable", "this signer is closed", { path: id });
      return new Uint8Array(sign(digest, data, held.key));
    };
    return { id, role, algorithm, publicKey, sign: signWith };
  }
}

/** @throws SignerError `wrong-role` */
export function requireRole({ id, role }: Pick<KeyDescription, "id" | "role">, wanted: KeyRole): void {
  if (role !== wanted) throw new SignerError("wrong-role", `key ${id} is for ${role}, not for ${wanted}`, { path: id });
}

/**
 * Opens one key file by its path.
 *
 * @throws SignerError `key-unknown`, `key-unreadable`, `wrong-role`
 */
export async function openKeyFile(path: string, role: KeyRole, passphrase: string): Promise<SigningKey> {
  const file = await readKeyFile(path, path);
  requireRole(file, role);
  const key = await unseal(file, path, passphrase);
  const { id, algorithm, publicKey } = describe(file);
  const digest = algorithm === "Ed25519" ? null : "sha256";
  return { id, role, algorithm, publicKey, sign: async (data) => new Uint8Array(sign(digest, data, key)) };
}
