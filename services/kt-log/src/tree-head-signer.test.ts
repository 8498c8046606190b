import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigurationError } from "@mls-as/service-runtime";
import { Pkcs11Signer, SoftwareSigner } from "@mls-as/signers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HAS_SOFTHSM, softTokens } from "../../../packages/signers/src/fixtures/soft-token.js";
import { LabelWriter, sendInProcess } from "../fixtures/label-writer.js";
import { createApp } from "./app.js";
import { type Config, readConfig } from "./config.js";
import { closeContext, openContext } from "./context.js";
import { FILES, initialise } from "./data-folder.js";

// Starts processes and derives keys from passphrases, which takes long on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "kt-signer-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

const settings = (treeHeadKey: string): Config =>
  readConfig({}, { dataDir, treeHeadKey, batchMilliseconds: 1, logLevel: "silent", passphrase: "correct horse" });

/** Writes and reads as a user who verifies every tree head. */
async function useLog(config: Config): Promise<void> {
  const context = await openContext(config);
  try {
    const token = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
    const writer = await LabelWriter.open(sendInProcess(createApp(context)), token);
    await writer.write("alice", "one");
    expect((await writer.read("alice")).value).toBe("one");
  } finally {
    await closeContext(context);
  }
}

describe.skipIf(!HAS_SOFTHSM)("tree heads signed in a token (skipped where SoftHSM2 is not installed)", () => {
  test("Ed25519: a log made with a token's key serves, and not without its token", async () => {
    const tokens = softTokens();
    try {
      const uri = tokens.add("log");
      const signer = await Pkcs11Signer.open(uri);
      const keyOf = (objectId: Uint8Array): string =>
        uri.replace("?", `;id=${Buffer.from(objectId).toString("hex").replaceAll(/../g, "%$&")}?`);
      const id = await signer.objectId((await signer.generate("tree-head", "Ed25519")).id);
      const issuing = await signer.objectId((await signer.generate("issuing", "Ed25519")).id);
      await signer.close();
      const config = settings(keyOf(id));
      await initialise(config);
      await useLog(config);
      // Another role's key, no key, no token, and the key that keys.json has.
      await expect(openContext(settings(keyOf(issuing)))).rejects.toThrow(ConfigurationError);
      await expect(openContext(settings(keyOf(new Uint8Array(16))))).rejects.toThrow(/tree_head_key/);
      await expect(openContext(settings(keyOf(id).replace("token=log", "token=other")))).rejects.toThrow(
        ConfigurationError,
      );
      const own = readConfig({}, { dataDir, passphrase: "correct horse", logLevel: "silent" });
      await expect(openContext(own)).rejects.toThrow(/keys are not those/);
    } finally {
      tokens.remove();
    }
  });
});

test("P-256: a key file's signatures are those of the log's cipher suite", async () => {
  const folder = join(dataDir, "keys");
  const { id } = await new SoftwareSigner(folder, "correct horse").generate("tree-head", "P-256");
  const config = settings(join(folder, `${id}.key`));
  await initialise(config);
  const context = await openContext(config);
  expect(context.configuration.ciphersuite).toBe(1);
  const { treeSize } = (await context.store.head()) ?? {};
  expect(treeSize).toBe(1);
  await closeContext(context);
});
