import { openKeyFile, SoftwareSigner } from "./software-signer.js";
import { type PassphraseSource, readPassphrase } from "./passphrase.js";
import { Pkcs11Signer } from "./pkcs11-signer.js";
import { parsePkcs11Uri } from "./pkcs11-uri.js";
import type { KeyRole, Signer, SigningKey } from "./signer.js";

export interface LocationSecrets {
  /** For key files. */
  readonly passphrase?: PassphraseSource;
  /** For tokens, when the URI names no PIN. */
  readonly pin?: { readonly file?: string | undefined; readonly value?: string | undefined };
}

/**
 * Opens the signer at a location: a `pkcs11:` URI of a token, or a folder of key files.
 *
 * @throws SignerError
 */
export async function openSigner(location: string, { passphrase = {}, pin = {} }: LocationSecrets): Promise<Signer> {
  if (isPkcs11(location)) return await Pkcs11Signer.open(location, { pinFile: pin.file, pin: pin.value });
  return new SoftwareSigner(location, await readPassphrase(passphrase));
}

/** One key by its location, and what has to be closed when it is no longer needed. */
export interface OpenedKey {
  readonly key: SigningKey;
  close(): Promise<void>;
}

/**
 * Opens one key: a `pkcs11:` URI with `object` or `id`, or the path of a key file that a `SoftwareSigner` made.
 *
 * @throws SignerError
 */
export async function openKey(
  location: string,
  role: KeyRole,
  { passphrase = {}, pin = {} }: LocationSecrets,
): Promise<OpenedKey> {
  if (!isPkcs11(location)) {
    const key = await openKeyFile(location, role, await readPassphrase(passphrase));
    return { key, close: async () => undefined };
  }
  const uri = parsePkcs11Uri(location);
  const signer = await Pkcs11Signer.open(uri, { pinFile: pin.file, pin: pin.value });
  try {
    return { key: await signer.openObject(uri, role), close: () => signer.close() };
  } catch (error) {
    await signer.close();
    throw error;
  }
}

/** Whether a location is a token's and not a path. */
export function isPkcs11(location: string): boolean {
  return /^pkcs11:/i.test(location);
}
