import { createHash, randomBytes } from "node:crypto";
import pkcs11 from "pkcs11js";
import { CKM_EDDSA, generateTokenKey, privateKeyHandle, type TokenKey, tokenKeys } from "./pkcs11-keys.js";
import { libraryPath, Pkcs11Module } from "./pkcs11-module.js";
import { type Pkcs11Uri, parsePkcs11Uri } from "./pkcs11-uri.js";
import { type PinSource, TokenSessions } from "./pkcs11-sessions.js";
import { ecdsaSigValue } from "./public-key.js";
import {
  type KeyAlgorithm,
  type KeyDescription,
  type KeyRole,
  type Signer,
  SignerError,
  type SigningKey,
} from "./signer.js";
import { requireRole } from "./software-signer.js";

export interface Pkcs11Options {
  /** Sessions with the token, and so signatures under way, at once; default 4. */
  readonly sessions?: number;
  /** Milliseconds to wait for the token; default 10,000. */
  readonly timeout?: number;
  /** File with the PIN, when the URI names none. */
  readonly pinFile?: string | undefined;
  /** The PIN from the environment, when the URI names none and there is no file. */
  readonly pin?: string | undefined;
}

/**
 * Keys on a PKCS#11 token. They are made there, marked sensitive and not extractable, carry their role in the label
 * (`mls-as:issuing`), and never leave. Sessions that are lost and tokens that come back are taken up again; a token
 * that is away is reported as `token-unavailable`, and a wrong PIN is tried once only.
 */
export class Pkcs11Signer implements Signer {
  readonly #sessions: TokenSessions;
  readonly #known = new Map<string, TokenKey>();

  private constructor(sessions: TokenSessions) {
    this.#sessions = sessions;
  }

  /**
   * Opens the token that a `pkcs11:` URI names and logs in, so that what is wrong is known at start.
   *
   * @throws SignerError `uri-invalid`, `module-unusable`, `token-unavailable`, `pin-refused`
   */
  static async open(uri: string | Pkcs11Uri, options: Pkcs11Options = {}): Promise<Pkcs11Signer> {
    const parsed = typeof uri === "string" ? parsePkcs11Uri(uri) : uri;
    if (parsed.token === undefined && parsed.serial === undefined && parsed.slotId === undefined)
      throw new SignerError("uri-invalid", "the URI names no token: give token=, serial= or slot-id=", {
        path: "token",
        section: "PKCS #11 URI Matching Guidelines",
      });
    const module = Pkcs11Module.acquire(await libraryPath(parsed));
    const { sessions = 4, timeout = 10_000 } = options;
    const pool = new TokenSessions(module, parsed, pinSource(parsed, options), { sessions, timeout });
    try {
      await pool.run(async () => undefined);
    } catch (error) {
      await pool.close();
      throw error;
    }
    return new Pkcs11Signer(pool);
  }

  async generate(role: KeyRole, algorithm: KeyAlgorithm): Promise<SigningKey> {
    const objectId = randomBytes(16);
    const made = await this.#sessions.run(async (session) => {
      const { library } = this.#sessions;
      await generateTokenKey(library, session, role, algorithm, objectId);
      return tokenKeys(library, session, { objectId });
    });
    const [key] = made;
    if (key === undefined)
      throw new SignerError("algorithm-unsupported", `the token made no ${algorithm} key that can be read back`, {
        path: this.#sessions.name,
      });
    return await this.#use(key, role);
  }

  async open(id: string, role: KeyRole): Promise<SigningKey> {
    const key = await this.#find(id);
    if (key.role === undefined)
      throw new SignerError("wrong-role", `key ${id} was made by another tool: open it by its URI, with a role`, {
        path: id,
      });
    requireRole({ id, role: key.role }, role);
    return await this.#use(key, role);
  }

  /**
   * Opens the one key that a URI means by `object` (label) or `id`; a key that another tool has made takes the role it is
   * opened for.
   *
   * @throws SignerError `uri-invalid` when no key is named or several match, `key-unknown`, `wrong-role`, `key-exportable`
   */
  async openObject({ object, id }: Pick<Pkcs11Uri, "object" | "id">, role: KeyRole): Promise<SigningKey> {
    if (object === undefined && id === undefined)
      throw new SignerError("uri-invalid", "the URI names no key: give object= (its label) or id=", {
        path: "object",
        section: "PKCS #11 URI Matching Guidelines",
      });
    const filter = {
      ...(object === undefined ? {} : { label: object }),
      ...(id === undefined ? {} : { objectId: id }),
    };
    const found = await this.#sessions.run(async (session) => tokenKeys(this.#sessions.library, session, filter));
    const [key] = found;
    if (key === undefined)
      throw new SignerError("key-unknown", "the token holds no Ed25519 or P-256 key that the URI means", {
        path: object ?? "id",
      });
    if (found.length > 1)
      throw new SignerError("uri-invalid", `${found.length} keys match the URI: name one by its id`, {
        path: object ?? "id",
        section: "PKCS #11 URI Matching Guidelines",
      });
    if (key.role !== undefined) requireRole({ id: key.id, role: key.role }, role);
    return await this.#use(key, role);
  }

  /** Keys that this package has made. */
  async list(): Promise<readonly KeyDescription[]> {
    return (await this.#scan()).flatMap(({ id, role, algorithm, publicKey }) =>
      role === undefined ? [] : [{ id, role, algorithm, publicKey }],
    );
  }

  /** CKA_ID of a key, which names it in a `pkcs11:` URI. @throws SignerError `key-unknown` */
  async objectId(id: string): Promise<Uint8Array> {
    return (await this.#find(id)).objectId;
  }

  /** Ends every session of this process with the token, as its reset does; for drills. The next use opens new ones. */
  endAllSessions(): void {
    this.#sessions.endAll();
  }

  async close(): Promise<void> {
    await this.#sessions.close();
    this.#known.clear();
  }

  async #scan(): Promise<readonly TokenKey[]> {
    const keys = await this.#sessions.run(async (session) => tokenKeys(this.#sessions.library, session));
    for (const key of keys) this.#known.set(key.id, key);
    return keys;
  }

  async #find(id: string): Promise<TokenKey> {
    const key = this.#known.get(id) ?? (await this.#scan()).find((one) => one.id === id);
    if (key === undefined) throw new SignerError("key-unknown", `there is no key ${id} on the token`, { path: id });
    return key;
  }

  async #use(key: TokenKey, role: KeyRole): Promise<SigningKey> {
    this.#known.set(key.id, key);
    const { id, algorithm, publicKey } = key;
    await this.#sessions.run(async (session) => privateKeyHandle(this.#sessions.library, session, key));
    return { id, role, algorithm, publicKey, sign: (data) => this.#sign(key, data) };
  }

  #sign(key: TokenKey, data: Uint8Array): Promise<Uint8Array> {
    const edwards = key.algorithm === "Ed25519";
    const input = edwards ? Buffer.from(data) : createHash("sha256").update(data).digest();
    const mechanism = edwards ? CKM_EDDSA : pkcs11.CKM_ECDSA;
    return this.#sessions.run(async (session, { handles }) => {
      const { library } = this.#sessions;
      const handle = handles.get(key.id) ?? privateKeyHandle(library, session, key);
      handles.set(key.id, handle);
      library.C_SignInit(session, { mechanism }, handle);
      const signature = await library.C_SignAsync(session, input, Buffer.alloc(64));
      return edwards ? new Uint8Array(signature) : ecdsaSigValue(signature);
    });
  }
}

function pinSource(uri: Pkcs11Uri, { pinFile, pin }: Pkcs11Options): PinSource {
  if (uri.pinValue !== undefined) return { value: uri.pinValue };
  const file = uri.pinFile ?? pinFile;
  if (file !== undefined) return { file };
  return pin === undefined ? "none" : { value: pin };
}
