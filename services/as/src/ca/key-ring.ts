import { join } from "node:path";
import {
  type KeyAlgorithm,
  type KeyDescription,
  type KeyRole,
  Pkcs11Signer,
  type Signer,
  SignerError,
  type SigningKey,
  SoftwareSigner,
} from "@mls-as/signers";
import { readCaIndex } from "./ca-index.js";
import { dataPassphrase } from "./development-ca.js";

/** Several places with keys as one signer: new keys are made in the first, known ones are opened where they are. */
export class KeyRing implements Signer {
  readonly #places: readonly [Signer, ...Signer[]];

  constructor(places: readonly [Signer, ...Signer[]]) {
    this.#places = places;
  }

  generate(role: KeyRole, algorithm: KeyAlgorithm): Promise<SigningKey> {
    return this.#places[0].generate(role, algorithm);
  }

  async open(id: string, role: KeyRole): Promise<SigningKey> {
    for (const place of this.#places) {
      try {
        return await place.open(id, role);
      } catch (error) {
        if (!(error instanceof SignerError) || error.code !== "key-unknown") throw error;
      }
    }
    throw new SignerError("key-unknown", `there is no key ${id}, neither in a file nor on a token`, { path: id });
  }

  async list(): Promise<readonly KeyDescription[]> {
    const lists = await Promise.all(this.#places.map((place) => place.list()));
    return lists.flat();
  }

  async close(): Promise<void> {
    for (const place of this.#places) await place.close();
  }
}

/** Where the keys of a data folder are, and what opens them. */
export interface KeyPlace {
  /** Folder with `ca.json` and `keys`. */
  readonly folder: string;
  /** `pkcs11:` URI of the token that new keys are made on; default what `ca.json` says, else key files. */
  readonly keys?: string | undefined;
  readonly passphrase?: string | undefined;
  /** Default `MLS_AS_PIN_FILE` and `MLS_AS_PIN`, when the URI names no PIN. */
  readonly pinFile?: string | undefined;
}

/** Opens the keys of an authority: its files, and its token where it has one. @throws SignerError, CeremonyError */
export async function openKeyRing({ folder, keys, passphrase, pinFile }: KeyPlace): Promise<Signer> {
  const files = new SoftwareSigner(join(folder, "keys"), await dataPassphrase(join(folder, ".."), passphrase));
  const token = keys ?? (await readCaIndex(folder))?.keys;
  if (token === undefined) return files;
  const options = { pinFile: pinFile ?? process.env["MLS_AS_PIN_FILE"], pin: process.env["MLS_AS_PIN"] };
  return new KeyRing([await Pkcs11Signer.open(token, options), files]);
}

/** A token's URI as it may stand in `ca.json`: without a PIN in it; a file with the PIN may be named. */
export function tokenWithoutPin(uri: string | undefined): string | undefined {
  return uri?.replace(/pin-value=[^&]*&?/i, "").replace(/[?&]$/, "");
}
