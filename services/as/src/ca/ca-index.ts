import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { KeyAlgorithm } from "@mls-as/signers";
import { z } from "zod";
import { writeDurably } from "@mls-as/service-runtime";
import { CeremonyError } from "./ceremony-error.js";

const KeyId = z.string().regex(/^[0-9a-f]{32}$/);
const Algorithm = z.enum(["Ed25519", "P-256"]);

const CaIndexSchema = z.strictObject({
  format: z.literal(1),
  domain: z.string(),
  /** Where new keys are made: a `pkcs11:` URI without a PIN; absent for key files. */
  keys: z.string().optional(),
  roots: z.array(KeyId),
  issuers: z.array(z.strictObject({ id: KeyId, root: KeyId, status: z.enum(["active", "retiring"]) })),
  /** Issuing keys that wait for their certificate. */
  requested: z.array(z.strictObject({ id: KeyId, algorithm: Algorithm })).default([]),
});

/** `ca.json`: which authorities a folder holds. Certificates stand beside it as `{id}.cer`. */
export type CaIndex = z.infer<typeof CaIndexSchema>;

export const ISSUING_ALGORITHMS: readonly KeyAlgorithm[] = ["Ed25519", "P-256"];

/** @throws CeremonyError `index-unreadable` */
export async function readCaIndex(folder: string): Promise<CaIndex | undefined> {
  const path = join(folder, "ca.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return CaIndexSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CeremonyError("index-unreadable", `${path} is not what this version writes; restore it from a backup`, {
      path,
      cause,
    });
  }
}

/** As `readCaIndex`. @throws CeremonyError `no-authority` as well */
export async function requireCaIndex(folder: string): Promise<CaIndex> {
  const index = await readCaIndex(folder);
  if (index === undefined)
    throw new CeremonyError("no-authority", `${folder} holds no authority: run 'mls-as init' first`, { path: folder });
  return index;
}

/** Written last in every step: a step that was cut short leaves unused keys and certificates, never half an authority. */
export async function writeCaIndex(folder: string, index: CaIndex): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeDurably(join(folder, "ca.json"), `${JSON.stringify(index, undefined, 2)}\n`, 0o644);
}

/** Changes whenever `ca.json` was written. */
export async function caIndexStamp(folder: string): Promise<string> {
  const { mtimeNs, ino, size } = await stat(join(folder, "ca.json"), { bigint: true });
  return `${mtimeNs}-${ino}-${size}`;
}

export async function readCertificateFile(folder: string, id: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(join(folder, `${id}.cer`)));
}

export async function writeCertificateFile(folder: string, id: string, certificate: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeDurably(join(folder, `${id}.cer`), certificate, 0o644);
}
