import { createPublicKey, verify } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { guardSigner, type KeyUse } from "./guarded-signer.js";
import { openKey, openSigner } from "./locations.js";
import { readPassphrase } from "./passphrase.js";
import { ecdsaSigValue, keyId, rawPublicKey, subjectPublicKeyInfo } from "./public-key.js";
import { openSecret, sealSecret } from "./sealed-secret.js";
import { SoftwareSigner } from "./software-signer.js";

const folder = mkdtempSync(join(tmpdir(), "mls-as-signers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const message = new TextEncoder().encode("what the log holds");

describe("key files", async () => {
  const keys = join(folder, "keys");
  const signer = new SoftwareSigner(keys, "correct horse");
  const made = await signer.generate("issuing", "Ed25519");
  const path = join(keys, `${made.id}.key`);
  const text = readFileSync(path, "utf8");
  const reopened = (passphrase = "correct horse"): SoftwareSigner => new SoftwareSigner(keys, passphrase);

  test.each(["Ed25519", "P-256"] as const)("%s: signs after it was opened again", async (algorithm) => {
    const key = await signer.generate("policy", algorithm);
    const again = await reopened().open(key.id, "policy");
    const publicKey = createPublicKey({ key: Buffer.from(again.publicKey), type: "spki", format: "der" });
    const signature = await again.sign(message);
    expect(verify(algorithm === "Ed25519" ? null : "sha256", message, publicKey, signature)).toBe(true);
    expect(keyId(key.publicKey)).toBe(key.id);
    expect(subjectPublicKeyInfo(algorithm, rawPublicKey(key))).toEqual(key.publicKey);
  });

  test("a wrong passphrase, and a wrong role", async () => {
    await expect(reopened("correct horsf").open(made.id, "issuing")).rejects.toMatchObject({
      code: "key-unreadable",
      path,
    });
    await expect(reopened().open(made.id, "root")).rejects.toMatchObject({ code: "wrong-role", path: made.id });
    await signer.open(made.id, "issuing");
    await expect(signer.open(made.id, "ocsp")).rejects.toMatchObject({ code: "wrong-role" });
    expect(() => reopened("")).toThrow(expect.objectContaining({ code: "passphrase-missing" }));
  });

  test("no key of that name, and no way out of the folder", async () => {
    for (const id of ["0".repeat(32), "../keys", "", made.id.toUpperCase(), `${made.id}\n`])
      await expect(reopened().open(id, "issuing")).rejects.toMatchObject({ code: "key-unknown" });
  });

  test("files of one folder share a salt, so that opening them all costs one derivation; none shares an IV", async () => {
    const sealed = (id: string) =>
      JSON.parse(readFileSync(join(keys, `${id}.key`), "utf8")) as { iv: string; scrypt: { salt: string } };
    const later = reopened();
    await later.open(made.id, "issuing");
    const ids = [made.id, (await signer.generate("ocsp", "P-256")).id, (await later.generate("ocsp", "P-256")).id];
    expect(new Set(ids.map((id) => sealed(id).scrypt.salt)).size).toBe(1);
    expect(new Set(ids.map((id) => sealed(id).iv)).size).toBe(3);
    const stranger = await reopened().generate("policy", "Ed25519");
    expect(sealed(stranger.id).scrypt.salt).not.toBe(sealed(made.id).scrypt.salt);
    const all = reopened();
    for (const { id, role } of await all.list()) await all.open(id, role);
    const busy = all.open(made.id, "issuing");
    await all.close();
    await expect(busy.then((key) => key.sign(message))).rejects.toMatchObject({ code: "key-unavailable" });
  });

  test("every field of the file is protected", async () => {
    const file = JSON.parse(text) as Record<string, unknown>;
    const other = JSON.parse(
      readFileSync(join(keys, `${(await signer.generate("root", "Ed25519")).id}.key`), "utf8"),
    ) as Record<string, unknown>;
    const flip = (value: unknown): string => {
      const bytes = Buffer.from(String(value), "base64url");
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      return bytes.toString("base64url");
    };
    const { scrypt } = file as { scrypt: { N: number; salt: string } };
    const altered: [string, unknown][] = [
      ["role", { ...file, role: "root" }],
      ["algorithm", { ...file, algorithm: "P-256" }],
      ["public key", { ...file, publicKey: other["publicKey"] }],
      ["public key and id", { ...file, publicKey: other["publicKey"], id: other["id"] }],
      ["ciphertext", { ...file, ciphertext: flip(file["ciphertext"]) }],
      ["ciphertext of another key", { ...file, ciphertext: other["ciphertext"] }],
      ["iv", { ...file, iv: flip(file["iv"]) }],
      ["salt", { ...file, scrypt: { ...scrypt, salt: flip(scrypt.salt) } }],
      ["cost", { ...file, scrypt: { ...scrypt, N: scrypt.N / 2 } }],
      ["a cost that would take all memory", { ...file, scrypt: { ...scrypt, N: 2 ** 40 } }],
      ["a cost that is no power of two", { ...file, scrypt: { ...scrypt, N: 65_535 } }],
      ["cut short", { ...file, ciphertext: String(file["ciphertext"]).slice(0, 8) }],
      ["format", { ...file, format: 2 }],
      ["without scrypt", { ...file, scrypt: null }],
      ["another key's file", other],
      ["null", null],
    ];
    for (const [name, content] of altered) {
      writeFileSync(path, JSON.stringify(content));
      await expect(reopened().open(made.id, "issuing"), name).rejects.toMatchObject({
        code: expect.stringMatching(/key-unreadable|wrong-role/),
      });
      if (name === "role")
        await expect(openKey(path, "root", { passphrase: { value: "correct horse" } }), name).rejects.toThrow();
    }
    writeFileSync(path, text.slice(0, -20));
    await expect(reopened().open(made.id, "issuing")).rejects.toMatchObject({ code: "key-unreadable" });
    writeFileSync(path, text);
    await expect(reopened().open(made.id, "issuing")).resolves.toMatchObject({ id: made.id });
  });

  test("files are for their owner alone, and hold no key in the clear", () => {
    for (const name of readdirSync(keys)) {
      expect(name).toMatch(/^[0-9a-f]{32}\.key$/);
      expect(statSync(join(keys, name)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(keys).mode & 0o777).toBe(0o700);
    // PKCS#8 begins with SEQUENCE, INTEGER 0, the algorithm.
    expect(
      Buffer.from((JSON.parse(text) as { ciphertext: string }).ciphertext, "base64url").includes(
        "300506032b6570",
        0,
        "hex",
      ),
    ).toBe(false);
  });

  test("a closed signer signs no more", async () => {
    const own = reopened();
    const key = await own.open(made.id, "issuing");
    await own.close();
    await expect(key.sign(message)).rejects.toMatchObject({ code: "key-unavailable" });
    await expect(own.open(made.id, "issuing")).rejects.toMatchObject({ code: "key-unavailable" });
  });

  test("one key by the path of its file, and a folder as a signer", async () => {
    const secrets = { passphrase: { value: "correct horse" } };
    const { key } = await openKey(path, "issuing", secrets);
    expect(key.id).toBe(made.id);
    await expect(openKey(path, "tree-head", secrets)).rejects.toMatchObject({ code: "wrong-role" });
    await expect(openKey(join(folder, "none.key"), "issuing", secrets)).rejects.toMatchObject({ code: "key-unknown" });
    await expect(openSigner(keys, {})).rejects.toMatchObject({ code: "passphrase-missing" });
    expect((await (await openSigner(keys, secrets)).list()).some(({ id }) => id === made.id)).toBe(true);
    expect(await new SoftwareSigner(join(folder, "empty"), "x").list()).toEqual([]);
  });
});

describe("a guarded signer", () => {
  test("tells every use, refusals too, and keeps to its roles", async () => {
    const uses: KeyUse[] = [];
    const inner = new SoftwareSigner(join(folder, "guarded"), "passphrase");
    const signer = guardSigner(inner, { roles: ["issuing", "ocsp"], onUse: (use) => void uses.push(use) });
    const key = await signer.generate("issuing", "P-256");
    await key.sign(message);
    await expect(signer.open(key.id, "ocsp")).rejects.toMatchObject({ code: "wrong-role" });
    await expect(signer.generate("root", "Ed25519")).rejects.toMatchObject({ code: "wrong-role" });
    const root = await inner.generate("root", "Ed25519");
    await expect(signer.open(root.id, "root")).rejects.toMatchObject({ code: "wrong-role" });
    expect(uses.map(({ operation, role, outcome, size }) => [operation, role, outcome, size])).toEqual([
      ["generate", "issuing", "ok", undefined],
      ["sign", "issuing", "ok", message.length],
      ["open", "ocsp", "wrong-role", undefined],
      ["generate", "root", "wrong-role", undefined],
      ["open", "root", "wrong-role", undefined],
    ]);
    expect(uses[0]?.key).toBe(key.id);
    await signer.close();
    await expect(key.sign(message)).rejects.toMatchObject({ code: "key-unavailable" });
    expect(uses.at(-1)).toMatchObject({ operation: "sign", outcome: "key-unavailable" });
  });

  test("hands out no signature that could not be told", async () => {
    let full = false;
    const onUse = async (): Promise<void> => {
      if (full) throw new Error("disk full");
    };
    const signer = guardSigner(new SoftwareSigner(join(folder, "untold"), "passphrase"), { roles: ["policy"], onUse });
    const key = await signer.generate("policy", "Ed25519");
    full = true;
    await expect(key.sign(message)).rejects.toThrow("disk full");
  });
});

describe("passphrases", () => {
  test("the environment's, the file's, or one made once", async () => {
    const file = join(folder, "passphrase");
    writeFileSync(file, "two words \n");
    expect(await readPassphrase({ value: "given", file })).toBe("given");
    expect(await readPassphrase({ value: "", file })).toBe("two words ");
    const fallbackFile = join(folder, "made", "passphrase");
    const made = await readPassphrase({ fallbackFile });
    expect(made).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(fallbackFile).mode & 0o777).toBe(0o600);
    expect(await readPassphrase({ fallbackFile })).toBe(made);
  });

  test("none, an empty one, or a file that is not there", async () => {
    const file = join(folder, "blank");
    writeFileSync(file, "\n");
    await expect(readPassphrase({})).rejects.toMatchObject({ code: "passphrase-missing" });
    await expect(readPassphrase({ file })).rejects.toMatchObject({ code: "passphrase-missing", path: file });
    await expect(readPassphrase({ fallbackFile: file })).rejects.toMatchObject({ code: "passphrase-missing" });
    await expect(readPassphrase({ file: `${file}-none` })).rejects.toMatchObject({ code: "passphrase-missing" });
  });
});

test("a sealed secret opens with its passphrase and its associated data alone", async () => {
  const bound = new TextEncoder().encode("kt-log vrf");
  const sealed = await sealSecret("passphrase", message, bound);
  expect(new Uint8Array(await openSecret("passphrase", sealed, bound))).toEqual(message);
  await expect(openSecret("Passphrase", sealed, bound)).rejects.toThrow(/does not open/);
  await expect(openSecret("passphrase", sealed, message)).rejects.toThrow(/does not open/);
});

test("ECDSA-Sig-Value has minimal, positive integers", () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const pair = (r: string, s: string): Uint8Array =>
    Buffer.concat([Buffer.from(r.padStart(64, "0"), "hex"), Buffer.from(s.padStart(64, "0"), "hex")]);
  expect(hex(ecdsaSigValue(pair("01", "7f")))).toBe("300602010102017f");
  expect(hex(ecdsaSigValue(pair("80", "00")))).toBe("300702020080020100");
  expect(hex(ecdsaSigValue(pair("ff".repeat(32), "01")))).toBe(`3026022100${"ff".repeat(32)}020101`);
});
