import { execFileSync, spawnSync } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { HAS_SOFTHSM, PIN, softTokens } from "./fixtures/soft-token.js";
import { openKey } from "./locations.js";
import { Pkcs11Signer } from "./pkcs11-signer.js";
import type { SigningKey } from "./signer.js";

const message = new TextEncoder().encode("what the log holds");

function holds(key: SigningKey, signature: Uint8Array, data = message): boolean {
  const publicKey = createPublicKey({ key: Buffer.from(key.publicKey), type: "spki", format: "der" });
  return verify(key.algorithm === "Ed25519" ? null : "sha256", data, publicKey, signature);
}

describe.skipIf(!HAS_SOFTHSM)("keys on a PKCS#11 token (skipped where SoftHSM2 is not installed)", () => {
  const tokens = softTokens();
  const uri = tokens.add("as-keys");
  tokens.add("other");
  afterAll(() => tokens.remove());

  test.each(["Ed25519", "P-256"] as const)(
    "%s: made on the token, found again, signs, never leaves",
    async (algorithm) => {
      const signer = await Pkcs11Signer.open(uri);
      const made = await signer.generate("issuing", algorithm);
      await signer.close();
      const again = await Pkcs11Signer.open(uri);
      const key = await again.open(made.id, "issuing");
      expect(key.publicKey).toEqual(made.publicKey);
      expect(holds(key, await key.sign(message))).toBe(true);
      expect(holds(key, await key.sign(message), message.slice(1))).toBe(false);
      expect(Object.keys(key).sort()).toEqual(["algorithm", "id", "publicKey", "role", "sign"]);
      expect((await again.list()).map(({ id }) => id)).toContain(made.id);
      await expect(again.open(made.id, "root")).rejects.toMatchObject({ code: "wrong-role" });
      await expect(again.open("0".repeat(32), "issuing")).rejects.toMatchObject({ code: "key-unknown" });
      await again.close();
      await expect(key.sign(message)).rejects.toMatchObject({ code: "key-unavailable" });
    },
  );

  test("hundreds of signatures at once over several sessions", async () => {
    const signer = await Pkcs11Signer.open(uri, { sessions: 3 });
    const keys = [await signer.generate("ocsp", "Ed25519"), await signer.generate("policy", "P-256")];
    const inputs = Array.from({ length: 300 }, (_, index) => new TextEncoder().encode(`message ${index}`));
    const signatures = await Promise.all(inputs.map((input, index) => (keys[index % 2] as SigningKey).sign(input)));
    signatures.forEach((signature, index) => {
      expect(holds(keys[index % 2] as SigningKey, signature, inputs[index])).toBe(true);
    });
    await signer.close();
  });

  test("two signers share the library, and one may close before the other", async () => {
    const one = await Pkcs11Signer.open(uri);
    const two = await Pkcs11Signer.open(uri.replace("as-keys", "other"));
    const first = await one.generate("issuing", "Ed25519");
    const second = await two.generate("issuing", "Ed25519");
    await one.close();
    expect(holds(second, await second.sign(message))).toBe(true);
    await expect(two.open(first.id, "issuing")).rejects.toMatchObject({ code: "key-unknown" });
    await two.close();
  });

  test("lost sessions are opened anew, in the middle of many signatures", async () => {
    const signer = await Pkcs11Signer.open(uri, { sessions: 4 });
    const key = await signer.generate("issuing", "P-256");
    const sign = (): Promise<Uint8Array> => key.sign(message);
    await Promise.all(Array.from({ length: 20 }, sign));
    // Another user of the library logs the token out and ends every session, as a token that is reset does.
    signer.endAllSessions();
    const after = await Promise.all(Array.from({ length: 50 }, sign));
    for (const signature of after) expect(holds(key, signature)).toBe(true);
    await signer.close();
  });

  test("a token that is taken away is reported, and used again when it is back", async () => {
    const signer = await Pkcs11Signer.open(uri.replace("as-keys", "other"));
    const key = await signer.generate("issuing", "Ed25519");
    renameSync(tokens.tokens, `${tokens.tokens}-away`);
    try {
      signer.endAllSessions();
      // SoftHSM does not even start without its folder; with an empty one it has no token.
      await expect(key.sign(message)).rejects.toMatchObject({ code: "module-unusable" });
      mkdirSync(tokens.tokens);
      await expect(key.sign(message)).rejects.toMatchObject({ code: "token-unavailable", path: "other" });
      await expect(signer.generate("issuing", "Ed25519")).rejects.toMatchObject({ code: "token-unavailable" });
    } finally {
      rmSync(tokens.tokens, { recursive: true, force: true });
      renameSync(`${tokens.tokens}-away`, tokens.tokens);
    }
    expect(holds(key, await key.sign(message))).toBe(true);
    await signer.close();
  });

  test("a wrong PIN is tried once, so that the token does not lock; a corrected file works", async () => {
    const pinFile = `${tokens.folder}/changing-pin`;
    writeFileSync(pinFile, "000000\n");
    const bare = `pkcs11:token=as-keys?module-path=${tokens.library}`;
    await expect(Pkcs11Signer.open(bare, { pinFile })).rejects.toMatchObject({ code: "pin-refused", path: "as-keys" });
    await expect(Pkcs11Signer.open(bare, { pinFile: `${pinFile}-missing` })).rejects.toMatchObject({
      code: "pin-refused",
    });
    writeFileSync(pinFile, `${PIN}\n`);
    const signer = await Pkcs11Signer.open(bare, { pinFile });
    const key = await signer.generate("policy", "Ed25519");
    writeFileSync(pinFile, "000000\n");
    signer.endAllSessions();
    await expect(key.sign(message)).rejects.toMatchObject({ code: "pin-refused" });
    await expect(key.sign(message)).rejects.toThrow(/not tried again/);
    writeFileSync(pinFile, `${PIN}\n`);
    expect(holds(key, await key.sign(message))).toBe(true);
    await signer.close();
  });

  test("no PIN in any error", async () => {
    const wrong = `pkcs11:token=as-keys?module-path=${tokens.library}&pin-value=hunter22`;
    const error: unknown = await Pkcs11Signer.open(wrong).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "pin-refused" });
    expect(JSON.stringify(error) + String(error) + String((error as Error).cause)).not.toContain("hunter22");
  });

  test("what does not exist: the token, the library, the key", async () => {
    await expect(Pkcs11Signer.open(uri.replace("as-keys", "nowhere"))).rejects.toMatchObject({
      code: "token-unavailable",
    });
    await expect(Pkcs11Signer.open("pkcs11:token=as-keys?module-path=/nowhere.so")).rejects.toMatchObject({
      code: "module-unusable",
    });
    await expect(Pkcs11Signer.open("pkcs11:token=as-keys?module-name=nothing-like-it")).rejects.toMatchObject({
      code: "module-unusable",
    });
    await expect(Pkcs11Signer.open("pkcs11:object=key")).rejects.toMatchObject({ code: "uri-invalid", path: "token" });
    await expect(openKey(uri, "tree-head", {})).rejects.toMatchObject({ code: "uri-invalid", path: "object" });
    await expect(openKey(uri.replace("?", ";object=nothing?"), "tree-head", {})).rejects.toMatchObject({
      code: "key-unknown",
    });
  });

  const HAS_TOOL = spawnSync("pkcs11-tool", ["--version"]).error === undefined;
  test.skipIf(!HAS_TOOL)("keys that pkcs11-tool has made: by label, and not when they could be read out", async () => {
    const tool = (...args: string[]): void => {
      execFileSync(
        "pkcs11-tool",
        ["--module", tokens.library, "--token-label", "as-keys", "--login", "--pin", PIN, ...args],
        {
          stdio: "pipe",
          env: process.env,
        },
      );
    };
    tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "log head", "--id", "4a4b");
    tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "loose", "--id", "4c", "--extractable");
    tool("--keypairgen", "--key-type", "EC:edwards25519", "--label", "twice", "--id", "01");
    tool("--keypairgen", "--key-type", "EC:edwards25519", "--label", "twice", "--id", "02");
    const named = (attributes: string): string => uri.replace("?", `;${attributes}?`);
    const { key, close } = await openKey(named("object=log%20head"), "tree-head", {});
    expect(key).toMatchObject({ role: "tree-head", algorithm: "P-256" });
    expect(holds(key, await key.sign(message))).toBe(true);
    await close();
    const byId = await openKey(named("id=%4a%4b;type=private"), "tree-head", {});
    expect(byId.key.id).toBe(key.id);
    await byId.close();
    await expect(openKey(named("object=loose"), "tree-head", {})).rejects.toMatchObject({ code: "key-exportable" });
    await expect(openKey(named("object=twice"), "tree-head", {})).rejects.toMatchObject({ code: "uri-invalid" });
    const one = await openKey(named("object=twice;id=%02"), "tree-head", {});
    expect(holds(one.key, await one.key.sign(message))).toBe(true);
    await one.close();
    const signer = await Pkcs11Signer.open(uri);
    await expect(signer.open(key.id, "tree-head")).rejects.toMatchObject({ code: "wrong-role" });
    await signer.close();
  });
});
