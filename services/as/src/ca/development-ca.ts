import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { readPassphrase, type Signer, SoftwareSigner } from "@mls-as/signers";
import type { CaKey, CertificationAuthorities, IssuingCa } from "./authority.js";
import { certifyIssuing, certifyRoot } from "./authority-certificate.js";
import {
  type CaIndex,
  ISSUING_ALGORITHMS,
  readCaIndex,
  readCertificateFile,
  writeCaIndex,
  writeCertificateFile,
} from "./ca-index.js";
import { algorithmOfPublicKey } from "@mls-as/signers";
import { parseCertificate } from "@mls-as/mls-credentials";

export type { CaKey, CertificationAuthorities, IssuingCa } from "./authority.js";

/** Makes an Ed25519 and a P-256 root, and under each an issuing CA that is constrained to `domain`. */
export async function createDevelopmentCa(
  folder: string,
  signer: Signer,
  domain: string,
  now: number,
  keys?: string,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const roots: string[] = [];
  const issuers: CaIndex["issuers"] = [];
  for (const algorithm of ISSUING_ALGORITHMS) {
    const key = await signer.generate("root", algorithm);
    const root = { key, certificate: await certifyRoot(key, domain, now) };
    const issuing = await signer.generate("issuing", algorithm);
    await writeCertificateFile(folder, key.id, root.certificate);
    await writeCertificateFile(folder, issuing.id, await certifyIssuing(root, issuing, domain, now));
    roots.push(key.id);
    issuers.push({ id: issuing.id, root: key.id, status: "active" });
  }
  await writeCaIndex(folder, {
    format: 1,
    domain,
    roots,
    issuers,
    requested: [],
    ...(keys === undefined ? {} : { keys }),
  });
}

/** Reads the authorities of a folder; undefined when none has been made there. Root keys are left where they are. */
export async function openAuthorities(folder: string, signer: Signer): Promise<CertificationAuthorities | undefined> {
  const index = await readCaIndex(folder);
  if (index === undefined) return undefined;
  const roots = [];
  for (const id of index.roots) {
    const certificate = await readCertificateFile(folder, id);
    const algorithm = algorithmOfPublicKey(parseCertificate(certificate).spki);
    if (algorithm !== undefined) roots.push({ id, algorithm, certificate });
  }
  const issuers: IssuingCa[] = [];
  for (const { id, root, status } of index.issuers) {
    const key = await signer.open(id, "issuing");
    const certificate = await readCertificateFile(folder, id);
    issuers.push({ id, algorithm: key.algorithm, certificate, key, root, status });
  }
  return { domain: index.domain, roots, issuers };
}

/** The passphrase of a data folder: the environment's, the file's, or one made now (mode 0600). */
export async function dataPassphrase(dataDir: string, given?: string): Promise<string> {
  return await readPassphrase({
    value: given ?? process.env["MLS_AS_PASSPHRASE"],
    file: process.env["MLS_AS_PASSPHRASE_FILE"],
    fallbackFile: join(dataDir, "passphrase"),
  });
}

/** The authorities of a development CA, with the root keys that lie beside them. */
export interface DevelopmentAuthorities extends CertificationAuthorities {
  readonly roots: readonly CaKey[];
}

/** Opens the development CA of an AS data folder, keys included. @throws Error when there is none */
export async function openDevelopmentCa(dataDir: string, passphrase?: string): Promise<DevelopmentAuthorities> {
  const signer = new SoftwareSigner(join(dataDir, "ca", "keys"), await dataPassphrase(dataDir, passphrase));
  const authorities = await openAuthorities(join(dataDir, "ca"), signer);
  if (authorities === undefined) throw new Error(`${dataDir} holds no certification authority`);
  const roots: CaKey[] = [];
  for (const root of authorities.roots) roots.push({ ...root, key: await signer.open(root.id, "root") });
  return { ...authorities, roots };
}
