import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type CloudKms, CloudKmsSigner } from "./fixtures/cloud-kms-signer.js";
import { HAS_SOFTHSM, softTokens } from "./fixtures/soft-token.js";
import { KEY_ALGORITHMS, keyId, type Signer, SoftwareSigner, Pkcs11Signer } from "./index.js";

/** A provider in memory, for the example of the documentation. */
class MemoryKms implements CloudKms {
  readonly #keys = new Map<string, { labels: Record<string, string>; key: KeyObject; publicKeyDer: Uint8Array }>();
  createKey: CloudKms["createKey"] = async (algorithm, labels) => {
    const { privateKey: key, publicKey } =
      algorithm === "Ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
    const name = `projects/chat/keys/${this.#keys.size}`;
    const publicKeyDer = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
    this.#keys.set(name, { labels, key, publicKeyDer });
    return name;
  };
  listKeys: CloudKms["listKeys"] = async () =>
    [...this.#keys].map(([name, { labels, publicKeyDer }]) => ({ name, labels, publicKeyDer }));
  sign: CloudKms["sign"] = async (name, data) => {
    const key = this.#keys.get(name)?.key;
    if (key === undefined) throw new Error("404");
    return new Uint8Array(sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", data, key));
  };
}

const folder = mkdtempSync(join(tmpdir(), "mls-as-contract-"));
const tokens = HAS_SOFTHSM ? softTokens() : undefined;
const token = tokens?.add("contract");
afterAll(() => {
  tokens?.remove();
  rmSync(folder, { recursive: true, force: true });
});
const kms = new MemoryKms();

/** Each opens the same place again and again. */
const places: readonly [string, (() => Promise<Signer>) | undefined][] = [
  ["key files", async () => new SoftwareSigner(folder, "passphrase")],
  [
    "a PKCS#11 token (skipped where SoftHSM2 is not installed)",
    token === undefined ? undefined : () => Pkcs11Signer.open(token),
  ],
  ["a cloud KMS, the documented example", async () => new CloudKmsSigner(kms)],
];

describe.each(places)("what every signer promises: %s", (...[, place]) => {
  test.skipIf(place === undefined)(
    "keys are durable, have one role, sign what verifies, and are not to be had",
    async () => {
      const open = place as () => Promise<Signer>;
      const message = new TextEncoder().encode("to be signed");
      for (const algorithm of KEY_ALGORITHMS) {
        const signer = await open();
        const made = await signer.generate("policy", algorithm);
        expect(made).toMatchObject({ id: keyId(made.publicKey), role: "policy", algorithm });
        await signer.close();
        await expect(made.sign(message)).rejects.toMatchObject({ code: "key-unavailable" });
        await expect(signer.open(made.id, "policy")).rejects.toMatchObject({ code: "key-unavailable" });

        const again = await open();
        expect(await again.list()).toContainEqual({
          id: made.id,
          role: "policy",
          algorithm,
          publicKey: made.publicKey,
        });
        const [one, two] = await Promise.all([again.open(made.id, "policy"), again.open(made.id, "policy")]);
        for (const key of [one, two]) {
          const publicKey = createPublicKey({ key: Buffer.from(key.publicKey), type: "spki", format: "der" });
          const digest = algorithm === "Ed25519" ? null : "sha256";
          expect(verify(digest, message, publicKey, await key.sign(message))).toBe(true);
          expect(verify(digest, message, publicKey, await key.sign(message.subarray(1)))).toBe(false);
          const members = Object.entries(key).map(([name, value]) => `${name}: ${typeof value}`);
          expect(members.toSorted()).toEqual([
            "algorithm: string",
            "id: string",
            "publicKey: object",
            "role: string",
            "sign: function",
          ]);
        }
        await expect(again.open(made.id, "issuing")).rejects.toMatchObject({ code: "wrong-role" });
        await expect(again.open("f".repeat(32), "policy")).rejects.toMatchObject({ code: "key-unknown" });
        await again.close();
      }
    },
  );
});

test("docs/signers.md shows the example as it is tested", () => {
  const text = readFileSync(new URL("../../../docs/signers.md", import.meta.url), "utf8");
  const code = readFileSync(new URL("./fixtures/cloud-kms-signer.ts", import.meta.url), "utf8");
  expect(text).toContain(code.replace('"../index.js"', '"@mls-as/signers"'));
});
