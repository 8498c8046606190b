import { readPassphrase, rawPublicKey, SignerError, SoftwareSigner } from "@mls-as/signers";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { hex } from "../bytes-text.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-code.js";
import { Failure } from "../failure.js";
import type { Report } from "../report.js";

export interface KeyMakingFlags {
  readonly passphraseFile?: string | undefined;
}

/** Makes an encrypted signing key for an auditor or a witness. */
export async function makeKey(context: Context, folder: string, { passphraseFile }: KeyMakingFlags): Promise<Report> {
  const { KT_PASSPHRASE, KT_PASSPHRASE_FILE } = context.environment;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const passphrase = await readPassphrase({ value: KT_PASSPHRASE, file: passphraseFile ?? KT_PASSPHRASE_FILE });
    const signer = new SoftwareSigner(folder, passphrase);
    const key = await signer.generate("tree-head", "Ed25519");
    await signer.close();
    const file = join(folder, `${key.id}.key`);
    const publicKey = hex(rawPublicKey(key));
    return {
      exit: EXIT.fine,
      data: { file, publicKey },
      print(paper) {
        paper.facts([
          ["key file", file],
          ["public key", publicKey],
        ]);
        paper.paragraph(`An operator names this auditor with: kt-log init --auditor-public-key ${publicKey}`);
      },
    };
  } catch (cause) {
    if (!(cause instanceof SignerError)) throw cause;
    throw new Failure("usage", cause.message, { reason: cause.code, cause });
  }
}
