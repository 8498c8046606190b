import type { Signer } from "@mls-as/keytrans";
import type { KnownLog } from "@mls-as/kt-client";
import { openKey, rawPublicKey, SignerError, SealError } from "@mls-as/signers";
import { equalBytes } from "@mls-as/tls-codec";
import { hex } from "../bytes-text.js";
import type { Context } from "../context.js";
import { Failure } from "../failure.js";

export interface KeyFlags {
  /** A key file, or a `pkcs11:` URI. */
  readonly sign?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly pinFile?: string | undefined;
}

export interface OpenedSigner {
  readonly signer: Signer;
  close(): Promise<void>;
}

/** Opens a signing key. @throws Failure usage */
export async function openSigner(context: Context, location: string, flags: KeyFlags): Promise<OpenedSigner> {
  const { passphraseFile = context.environment["KT_PASSPHRASE_FILE"], pinFile } = flags;
  const passphrase = { value: context.environment["KT_PASSPHRASE"], file: passphraseFile };
  try {
    const { key, close } = await openKey(location, "tree-head", { passphrase, pin: { file: pinFile } });
    const sign =
      key.algorithm === "Ed25519"
        ? (message: Uint8Array) => key.sign(message)
        : async (message: Uint8Array) => plainEcdsa(await key.sign(message));
    return { signer: { publicKey: rawPublicKey(key), sign }, close };
  } catch (cause) {
    if (!(cause instanceof SignerError) && !(cause instanceof SealError)) throw cause;
    throw new Failure("usage", `The signing key cannot be used: ${cause.message}`, {
      path: "--sign",
      reason: cause instanceof SignerError ? cause.code : undefined,
      cause,
    });
  }
}

/** The key that the log's configuration names as its auditor's. @throws Failure usage */
export function assertAuditor(log: KnownLog, signer: Signer): void {
  const { configuration } = log;
  if (configuration.mode !== "thirdPartyAuditing") return;
  if (equalBytes(configuration.auditorPublicKey, signer.publicKey)) return;
  throw new Failure(
    "usage",
    `The key is ${hex(signer.publicKey)}; the log's configuration names ${hex(configuration.auditorPublicKey)} as its auditor.`,
    { path: "--sign" },
  );
}

/** `r ‖ s` of a DER ECDSA signature over P-256, as the draft's suite signs. */
function plainEcdsa(der: Uint8Array): Uint8Array {
  const plain = new Uint8Array(64);
  let offset = 2;
  for (const end of [32, 64]) {
    const length = der[offset + 1] as number;
    const integer = der.subarray(offset + 2, offset + 2 + length);
    const digits = integer[0] === 0 ? integer.subarray(1) : integer;
    plain.set(digits, end - digits.length);
    offset += 2 + length;
  }
  return plain;
}
