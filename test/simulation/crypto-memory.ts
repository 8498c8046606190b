import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { CryptoProvider, SignatureScheme } from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { type ExampleKey, exampleKey } from "../conformance/example-devices.js";
import { hex } from "../conformance/wire-json.js";

/** What a process remembers at most of each kind; the oldest goes first. */
const REMEMBERED = 50_000;

/** Makes a value once for a name: what comes out is a function of the name alone. */
class Memory<T> {
  readonly #known = new Map<string, T>();

  get(name: string, make: () => T): T {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const made = make();
    this.#known.set(name, made);
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value as string);
    return made;
  }
}

const keys = new Memory<ExampleKey>();
const privateKeys = new Memory<KeyObject>();
const verdicts = new Memory<boolean>();

/** The key of a name: users of equal names have equal keys in every world of a process. */
export const keyNamed = (name: string): ExampleKey => keys.get(name, () => exampleKey(name));

const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** What every world signs and verifies with: node:crypto that imports a key once, and verifies equal signatures once. */
export const rememberingProvider: CryptoProvider = {
  ...nodeProvider,
  /** Ed25519 only, as every example key is. */
  sign(_scheme: SignatureScheme, privateKey: Uint8Array, message: Uint8Array): Uint8Array {
    const key = privateKeys.get(hex(privateKey), () =>
      createPrivateKey({ format: "der", type: "pkcs8", key: Buffer.concat([PKCS8_PREFIX, privateKey]) }),
    );
    return Uint8Array.from(sign(null, message, key));
  },
  verify(scheme: SignatureScheme, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    return verdicts.get(`${scheme} ${hex(publicKey)} ${hex(signature)} ${hex(message)}`, () =>
      nodeProvider.verify(scheme, publicKey, message, signature),
    );
  },
};
