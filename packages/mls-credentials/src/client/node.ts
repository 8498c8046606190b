import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "@mls-as/kt-client/node";
import type { DeviceKey } from "./certificate-request.js";
import { ClientError } from "./client-error.js";
import type { KeyStore } from "./key-store.js";

const CURVES: ReadonlyMap<number, { readonly namedCurve: string; readonly hash: string }> = new Map([
  [0x0403, { namedCurve: "P-256", hash: "sha256" }],
  [0x0503, { namedCurve: "P-384", hash: "sha384" }],
  [0x0603, { namedCurve: "P-521", hash: "sha512" }],
]);

/**
 * Keeps keys as PKCS#8 PEM files of mode 0600 in a folder, for servers and bots. With a passphrase they are encrypted.
 *
 * @throws ClientError `unsupported-key`, `key-missing` for a name that is no file name or a file that cannot be read
 */
export function fileKeyStore(folder: string, passphrase?: string): KeyStore {
  const load = async (name: string): Promise<KeyObject | undefined> => {
    let pem: string;
    try {
      pem = await readFile(pathOf(folder, name), "utf8");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new ClientError("key-missing", name, "the key file cannot be read", { cause });
    }
    try {
      return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
    } catch {
      // The cause may quote the file.
      throw new ClientError("key-missing", name, "the key file is damaged, or the passphrase is wrong");
    }
  };
  return {
    async generate(name, scheme) {
      const known = await load(name);
      if (known !== undefined) return deviceKeyOf(known);
      const made = generate(scheme);
      const encryption = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeDurably(pathOf(folder, name), made.export({ type: "pkcs8", format: "pem", ...encryption }).toString());
      return deviceKeyOf(made);
    },
    async load(name) {
      const key = await load(name);
      return key === undefined ? undefined : deviceKeyOf(key);
    },
    remove: (name) => rm(pathOf(folder, name), { force: true }),
  };
}

function pathOf(folder: string, name: string): string {
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(name)) throw new ClientError("key-missing", "name", "not a name of a key");
  return join(folder, `${name}.pem`);
}

function generate(scheme: number): KeyObject {
  if (scheme === 0x0807) return generateKeyPairSync("ed25519").privateKey;
  const curve = CURVES.get(scheme);
  if (curve === undefined) throw new ClientError("unsupported-key", "scheme", `0x${scheme.toString(16)}`);
  return generateKeyPairSync("ec", { namedCurve: curve.namedCurve }).privateKey;
}

function deviceKeyOf(key: KeyObject): DeviceKey {
  const spki = new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const hash = [...CURVES.values()].find(({ namedCurve }) => NODE_NAMES[namedCurve] === curve)?.hash ?? null;
  return { subjectPublicKeyInfo: spki, sign: (message) => new Uint8Array(sign(hash, message, key)) };
}

/** OpenSSL's names of the curves. */
const NODE_NAMES: Readonly<Record<string, string>> = {
  "P-256": "prime256v1",
  "P-384": "secp384r1",
  "P-521": "secp521r1",
};

export { fileStateStore } from "@mls-as/kt-client/node";
