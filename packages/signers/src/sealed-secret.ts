import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";

/** RFC 7914 parameters: 64 MiB and about 0.1 s a key, paid once at start. */
const SCRYPT = { N: 65_536, r: 8, p: 1 } as const;
/** A file may not ask for more work than this: 1 GiB. */
const MAXIMUM = { N: 1_048_576, r: 16, p: 4 } as const;

/** A secret at rest: AES-256-GCM under a key that scrypt makes of a passphrase. Octets in base64url. */
export interface SealedSecret {
  readonly scrypt: { readonly N: number; readonly r: number; readonly p: number; readonly salt: string };
  readonly iv: string;
  /** Tag appended. */
  readonly ciphertext: string;
}

export class SealError extends Error {
  override readonly name = "SealError";
}

function deriveKey(passphrase: string, { N, r, p, salt }: SealedSecret["scrypt"]): Promise<Buffer> {
  const options = { N, r, p, maxmem: 256 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFC"), Buffer.from(salt, "base64url"), 32, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/**
 * The keys that scrypt makes of one passphrase. What is sealed through it shares a salt with what was opened or sealed
 * before, and so a key that is derived once: each secret has an IV of its own, and guessing a passphrase costs the same.
 */
export class PassphraseKeys {
  readonly #passphrase: string;
  readonly #derived = new Map<string, Promise<Buffer>>();
  #salt: string | undefined;

  constructor(passphrase: string) {
    this.#passphrase = passphrase;
  }

  /** What the next secret is sealed with. */
  get parameters(): SealedSecret["scrypt"] {
    this.#salt ??= randomBytes(16).toString("base64url");
    return { ...SCRYPT, salt: this.#salt };
  }

  /** Not to be altered by who gets it. */
  derive(parameters: SealedSecret["scrypt"]): Promise<Buffer> {
    const name = nameOf(parameters);
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    const made = deriveKey(this.#passphrase, parameters);
    this.#derived.set(name, made);
    return made;
  }

  /** A key opened a secret, or did not: then it is not kept. */
  settle(parameters: SealedSecret["scrypt"], good: boolean): void {
    const { N, r, p, salt } = parameters;
    if (good && N === SCRYPT.N && r === SCRYPT.r && p === SCRYPT.p) this.#salt ??= salt;
    if (!good && salt !== this.#salt) this.#derived.delete(nameOf(parameters));
  }

  /** Overwrites the keys. */
  forget(): void {
    for (const derived of this.#derived.values())
      derived.then(
        (key) => key.fill(0),
        () => {},
      );
    this.#derived.clear();
  }
}

const nameOf = ({ N, r, p, salt }: SealedSecret["scrypt"]): string => [N, r, p, salt].join(" ");

/** Encrypts a secret; `associated` is authenticated with it, and needed again to open it. */
export async function sealSecret(
  passphrase: string | PassphraseKeys,
  secret: Uint8Array,
  associated: Uint8Array,
): Promise<SealedSecret> {
  const keys = typeof passphrase === "string" ? new PassphraseKeys(passphrase) : passphrase;
  const { parameters } = keys;
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", await keys.derive(parameters), iv);
  cipher.setAAD(associated);
  const ciphertext = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  if (typeof passphrase === "string") keys.forget();
  return { scrypt: parameters, iv: iv.toString("base64url"), ciphertext: ciphertext.toString("base64url") };
}

function withinBounds({ N, r, p, salt }: SealedSecret["scrypt"]): boolean {
  const whole = [N, r, p].every((one) => Number.isSafeInteger(one) && one > 0);
  const modest = N <= MAXIMUM.N && r <= MAXIMUM.r && p <= MAXIMUM.p;
  return whole && modest && N > 1 && (N & (N - 1)) === 0 && typeof salt === "string";
}

/** @throws SealError for a wrong passphrase, other associated data, or an altered or malformed secret */
export async function openSecret(
  passphrase: string | PassphraseKeys,
  sealed: SealedSecret,
  associated: Uint8Array,
): Promise<Uint8Array> {
  const wellFormed =
    typeof sealed.scrypt === "object" &&
    sealed.scrypt !== null &&
    withinBounds(sealed.scrypt) &&
    typeof sealed.iv === "string" &&
    typeof sealed.ciphertext === "string";
  if (!wellFormed) throw new SealError("this is no sealed secret, or it asks for too much work");
  const iv = Buffer.from(sealed.iv, "base64url");
  const octets = Buffer.from(sealed.ciphertext, "base64url");
  if (iv.length !== 12 || octets.length < 16) throw new SealError("the sealed secret is cut short");
  const keys = typeof passphrase === "string" ? new PassphraseKeys(passphrase) : passphrase;
  try {
    const decipher = createDecipheriv("aes-256-gcm", await keys.derive(sealed.scrypt), iv, { authTagLength: 16 });
    decipher.setAAD(associated);
    decipher.setAuthTag(octets.subarray(-16));
    const secret = Buffer.concat([decipher.update(octets.subarray(0, -16)), decipher.final()]);
    keys.settle(sealed.scrypt, true);
    return secret;
  } catch (cause) {
    keys.settle(sealed.scrypt, false);
    throw new SealError("it does not open: wrong passphrase, or altered", { cause });
  } finally {
    if (typeof passphrase === "string") keys.forget();
  }
}
