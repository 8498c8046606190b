import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scrypt,
  sign as cryptoSign,
} from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBase64Url, toBase64Url, toHex, utf8 } from "../binary-text.js";
import { writeDurably } from "../durable-file.js";
import {
  type KeyAlgorithm,
  type KeyDescription,
  type KeyRole,
  type Signer,
  SignerError,
  type SigningKey,
} from "./signer.js";

/** RFC 7914 parameters: 64 MiB and about 0.1 s a key, paid once at start. */
const SCRYPT = { N: 65_536, r: 8, p: 1 } as const;

interface KeyFile {
  readonly format: 1;
  readonly id: string;
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: string;
  readonly scrypt: { readonly N: number; readonly r: number; readonly p: number; readonly salt: string };
  readonly iv: string;
  /** AES-256-GCM of the PKCS#8 DER, tag appended; the fields id, role, algorithm and publicKey are authenticated. */
  readonly ciphertext: string;
}

function deriveKey(passphrase: string, { N, r, p, salt }: KeyFile["scrypt"]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N, r, p, maxmem: 256 * N * r };
    scrypt(passphrase.normalize("NFC"), fromBase64Url(salt) ?? new Uint8Array(), 32, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

function associatedData(file: Omit<KeyFile, "scrypt" | "iv" | "ciphertext">): Uint8Array {
  return utf8(JSON.stringify([file.format, file.id, file.role, file.algorithm, file.publicKey]));
}

function describe(file: KeyFile): KeyDescription {
  const { id, role, algorithm } = file;
  return { id, role, algorithm, publicKey: fromBase64Url(file.publicKey) ?? new Uint8Array() };
}

function signingKey(description: KeyDescription, key: KeyObject): SigningKey {
  const digest = description.algorithm === "Ed25519" ? null : "sha256";
  return { ...description, sign: async (data) => new Uint8Array(cryptoSign(digest, data, key)) };
}

/** Keys as files `<id>.key` in one folder: PKCS#8, encrypted with AES-256-GCM under a key from scrypt. */
export class SoftwareSigner implements Signer {
  readonly #folder: string;
  readonly #passphrase: string;
  readonly #open = new Map<string, SigningKey>();

  constructor(folder: string, passphrase: string) {
    this.#folder = folder;
    this.#passphrase = passphrase;
  }

  async generate(role: KeyRole, algorithm: KeyAlgorithm): Promise<SigningKey> {
    const { privateKey, publicKey } =
      algorithm === "Ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
    const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
    const id = toHex(createHash("sha256").update(spki).digest().subarray(0, 16));
    const head = { format: 1, id, role, algorithm, publicKey: toBase64Url(spki) } as const;
    const parameters = { ...SCRYPT, salt: toBase64Url(randomBytes(16)) };
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", await deriveKey(this.#passphrase, parameters), iv);
    cipher.setAAD(associatedData(head));
    const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" });
    const ciphertext = Buffer.concat([cipher.update(pkcs8), cipher.final(), cipher.getAuthTag()]);
    pkcs8.fill(0);
    const file: KeyFile = { ...head, scrypt: parameters, iv: toBase64Url(iv), ciphertext: toBase64Url(ciphertext) };
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeDurably(join(this.#folder, `${id}.key`), `${JSON.stringify(file, undefined, 2)}\n`, 0o600);
    const key = signingKey({ id, role, algorithm, publicKey: spki }, privateKey);
    this.#open.set(id, key);
    return key;
  }

  async open(id: string, role: KeyRole): Promise<SigningKey> {
    const known = this.#open.get(id) ?? (await this.#load(id));
    if (known.role !== role) throw new SignerError("wrong-role", `key ${id} is for ${known.role}, not for ${role}`);
    return known;
  }

  async list(): Promise<readonly KeyDescription[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const keys: KeyDescription[] = [];
    for (const name of names.filter((entry) => entry.endsWith(".key")).sort())
      keys.push(describe(await this.#read(name.slice(0, -4))));
    return keys;
  }

  async close(): Promise<void> {
    this.#open.clear();
  }

  async #read(id: string): Promise<KeyFile> {
    if (!/^[0-9a-f]{32}$/.test(id)) throw new SignerError("key-unknown", `${id} is no key id`);
    try {
      return JSON.parse(await readFile(join(this.#folder, `${id}.key`), "utf8")) as KeyFile;
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      throw new SignerError(missing ? "key-unknown" : "key-unreadable", `cannot read key ${id}`, { cause: error });
    }
  }

  async #load(id: string): Promise<SigningKey> {
    const file = await this.#read(id);
    try {
      const sealed = fromBase64Url(file.ciphertext) ?? new Uint8Array();
      const iv = fromBase64Url(file.iv) ?? new Uint8Array();
      const decipher = createDecipheriv("aes-256-gcm", await deriveKey(this.#passphrase, file.scrypt), iv, {
        authTagLength: 16,
      });
      decipher.setAAD(associatedData(file));
      decipher.setAuthTag(sealed.subarray(-16));
      const pkcs8 = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
      const key = createPrivateKey({ key: pkcs8, type: "pkcs8", format: "der" });
      pkcs8.fill(0);
      const opened = signingKey(describe(file), key);
      this.#open.set(id, opened);
      return opened;
    } catch (error) {
      throw new SignerError("key-unreadable", `key ${id} cannot be decrypted: wrong passphrase or altered file`, {
        cause: error,
      });
    }
  }
}
