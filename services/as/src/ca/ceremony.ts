import { X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { nodeProvider } from "@mls-as/mls-core/node";
import { type Certificate, checkIssuingCaProfile, parseCertificate, validatePath } from "@mls-as/mls-credentials";
import { algorithmOfPublicKey, type KeyAlgorithm, keyId, type Signer, type SigningKey } from "@mls-as/signers";
import { writeDurably } from "@mls-as/service-runtime";
import { pem } from "../x509/der.js";
import type { Authority } from "./authority.js";
import { certifyIssuing, certifyRoot } from "./authority-certificate.js";
import {
  type CaIndex,
  ISSUING_ALGORITHMS,
  readCaIndex,
  readCertificateFile,
  requireCaIndex,
  writeCaIndex,
  writeCertificateFile,
} from "./ca-index.js";
import { CeremonyError } from "./ceremony-error.js";
import { issuingRequest, type RequestedIssuer } from "./issuing-request.js";

/** Prepares a folder for an authority whose root lives elsewhere. @throws CeremonyError `authority-exists` */
export async function prepareAuthority(folder: string, domain: string, keys: string | undefined): Promise<void> {
  if ((await readCaIndex(folder)) !== undefined)
    throw new CeremonyError("authority-exists", `${folder} holds an authority already; nothing was changed`, {
      path: folder,
    });
  await writeCaIndex(folder, {
    format: 1,
    domain,
    roots: [],
    issuers: [],
    requested: [],
    ...(keys === undefined ? {} : { keys }),
  });
}

/** On the offline machine: makes root keys and their self-signed certificates. @throws CeremonyError `authority-exists` */
export async function makeRoots(
  folder: string,
  signer: Signer,
  domain: string,
  algorithms: readonly KeyAlgorithm[],
  now: number,
): Promise<readonly Authority[]> {
  const index: CaIndex = (await readCaIndex(folder)) ?? { format: 1, domain, roots: [], issuers: [], requested: [] };
  if (index.domain !== domain || index.roots.length > 0)
    throw new CeremonyError("authority-exists", `${folder} holds roots for ${index.domain} already`, { path: folder });
  const roots: Authority[] = [];
  for (const algorithm of algorithms) {
    const key = await signer.generate("root", algorithm);
    const certificate = await certifyRoot(key, domain, now);
    await writeCertificateFile(folder, key.id, certificate);
    roots.push({ id: key.id, algorithm, certificate });
  }
  await writeCaIndex(folder, { ...index, roots: roots.map(({ id }) => id) });
  return roots;
}

export interface CertificationRequestFile {
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  /** PEM file to carry to the root. */
  readonly path: string;
}

/** Makes an issuing key where this folder keeps its keys, and writes the request for its certificate. */
export async function requestIssuing(
  folder: string,
  signer: Signer,
  algorithm: KeyAlgorithm,
): Promise<CertificationRequestFile> {
  const index = await requireCaIndex(folder);
  const key = await signer.generate("issuing", algorithm);
  const path = await exportRequest(folder, key, index.domain);
  const latest = await requireCaIndex(folder);
  await writeCaIndex(folder, { ...latest, requested: [...latest.requested, { id: key.id, algorithm }] });
  return { id: key.id, algorithm, path };
}

async function exportRequest(folder: string, key: SigningKey, domain: string): Promise<string> {
  const requests = join(folder, "requests");
  await mkdir(requests, { recursive: true, mode: 0o700 });
  const path = join(requests, `${key.id}.csr`);
  await writeDurably(path, pem("CERTIFICATE REQUEST", await issuingRequest(key, domain)), 0o644);
  return path;
}

/** On the offline machine: the root of the request's algorithm signs it. @throws CeremonyError, SignerError */
export async function signIssuingRequest(
  folder: string,
  signer: Signer,
  request: RequestedIssuer,
  now: number,
): Promise<Uint8Array> {
  const index = await requireCaIndex(folder);
  const root = await openRoot(folder, signer, index, request.algorithm);
  return await certifyIssuing(root, request, index.domain, now);
}

/** @throws CeremonyError `root-offline` when the folder has no root key of that algorithm */
async function openRoot(
  folder: string,
  signer: Signer,
  index: CaIndex,
  algorithm: KeyAlgorithm,
): Promise<{ readonly certificate: Uint8Array; readonly key: SigningKey }> {
  const held = await signer.list();
  for (const id of index.roots.toReversed()) {
    if (held.some((key) => key.id === id && key.role === "root" && key.algorithm === algorithm))
      return { certificate: await readCertificateFile(folder, id), key: await signer.open(id, "root") };
  }
  throw new CeremonyError(
    "root-offline",
    `no ${algorithm} root key is in ${folder}: carry the request to the machine that has it ('mls-as ceremony sign')`,
    { path: folder },
  );
}

/**
 * Takes over the certificate of an issuing key that was requested here. From then on it issues; an issuer of the same
 * algorithm before it retires: it signs CRLs and OCSP answers as long as its certificates live.
 *
 * @param rootDer a root that this folder does not know yet
 * @throws CeremonyError; nothing is changed then
 */
export async function importIssuing(
  folder: string,
  signer: Signer,
  der: Uint8Array,
  rootDer: Uint8Array | undefined,
  now: number,
): Promise<{ readonly id: string; readonly root: string; readonly retired: readonly string[] }> {
  const index = await requireCaIndex(folder);
  const certificate = readable(der, "certificate");
  const id = keyId(certificate.spki);
  const requested = index.requested.find((one) => one.id === id);
  if (requested === undefined)
    throw new CeremonyError("key-not-requested", `the certificate is for key ${id}, which was not requested here`, {
      path: id,
    });
  await signer.open(id, "issuing");
  const root = await rootOf(folder, index, certificate, rootDer);
  await requireFitness(certificate, root.certificate, index.domain, now);
  await writeCertificateFile(folder, root.id, root.certificate.der);
  await writeCertificateFile(folder, id, der);
  const retired: string[] = [];
  const issuers: CaIndex["issuers"] = [];
  for (const issuer of index.issuers) {
    const spki = parseCertificate(await readCertificateFile(folder, issuer.id)).spki;
    const replaced = issuer.status === "active" && algorithmOfPublicKey(spki) === requested.algorithm;
    if (replaced) retired.push(issuer.id);
    issuers.push(replaced ? { ...issuer, status: "retiring" } : issuer);
  }
  await writeCaIndex(folder, {
    ...index,
    roots: index.roots.includes(root.id) ? index.roots : [...index.roots, root.id],
    issuers: [...issuers, { id, root: root.id, status: "active" }],
    requested: index.requested.filter((one) => one.id !== id),
  });
  return { id, root: root.id, retired };
}

function readable(der: Uint8Array, path: string): Certificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    throw new CeremonyError("certificate-unreadable", `the ${path} cannot be read: ${(cause as Error).message}`, {
      path,
      cause,
    });
  }
}

async function rootOf(
  folder: string,
  index: CaIndex,
  certificate: Certificate,
  rootDer: Uint8Array | undefined,
): Promise<{ readonly id: string; readonly certificate: Certificate }> {
  const candidates: Certificate[] = rootDer === undefined ? [] : [readable(rootDer, "root")];
  for (const id of index.roots) candidates.push(parseCertificate(await readCertificateFile(folder, id)));
  const subject = new X509Certificate(certificate.der);
  for (const candidate of candidates) {
    if (algorithmOfPublicKey(candidate.spki) === undefined) continue;
    const root = new X509Certificate(candidate.der);
    if (subject.checkIssued(root) && subject.verify(root.publicKey) && root.verify(root.publicKey))
      return { id: keyId(candidate.spki), certificate: candidate };
  }
  throw new CeremonyError(
    "root-unknown",
    "no root that is known here has signed the certificate: give the root's own certificate with --root",
    { path: "root" },
  );
}

async function requireFitness(certificate: Certificate, root: Certificate, domain: string, now: number): Promise<void> {
  const unfit = (detail: string, path: string, section: string): CeremonyError =>
    new CeremonyError("certificate-unfit", `${path}: ${detail}`, { path, section });
  const [flaw] = checkIssuingCaProfile(certificate, { domain });
  if (flaw !== undefined) throw unfit(flaw.detail, flaw.path, flaw.section);
  if (!(certificate.keyUsage?.has("cRLSign") ?? false))
    throw unfit("cRLSign is not asserted, so that nothing could be revoked", "keyUsage", "RFC 5280, Key Usage");
  if (algorithmOfPublicKey(root.spki) !== algorithmOfPublicKey(certificate.spki))
    throw unfit(
      "the root's key is of another algorithm, so that no cipher suite matches the chain",
      "signatureAlgorithm",
      "Certificate profile",
    );
  const result = await validatePath({
    leaf: certificate,
    intermediates: [],
    anchors: [root],
    time: now,
    provider: nodeProvider,
  });
  if (!result.valid) {
    const [{ code, section }] = result.reasons;
    throw unfit(`the path to the root does not hold (${code})`, "certificate", section);
  }
}

/**
 * Rotates issuing keys: makes new ones and, where the root's key is in this folder (a development CA), certifies them
 * at once; otherwise writes requests for the ceremony. A running service takes over the change by itself.
 */
export async function rotateIssuing(
  folder: string,
  signer: Signer,
  algorithms: readonly KeyAlgorithm[] = ISSUING_ALGORITHMS,
  now: number,
): Promise<
  readonly (CertificationRequestFile & { readonly certified: boolean; readonly retired: readonly string[] })[]
> {
  const done: (CertificationRequestFile & { certified: boolean; retired: readonly string[] })[] = [];
  for (const algorithm of algorithms) {
    const request = await requestIssuing(folder, signer, algorithm);
    const { publicKey } = await signer.open(request.id, "issuing");
    try {
      const der = await signIssuingRequest(folder, signer, { ...request, publicKey }, now);
      const { retired } = await importIssuing(folder, signer, der, undefined, now);
      done.push({ ...request, certified: true, retired });
    } catch (error) {
      if (!(error instanceof CeremonyError) || error.code !== "root-offline") throw error;
      done.push({ ...request, certified: false, retired: [] });
    }
  }
  return done;
}

/**
 * Takes a retiring issuer out of service: its CRLs and OCSP answers end. Only when none of its certificates lives.
 *
 * @param latestExpiry of the certificates that it has issued; undefined when there are none
 * @throws CeremonyError `issuer-unknown`, `issuer-in-use`
 */
export async function removeIssuer(
  folder: string,
  id: string,
  latestExpiry: number | undefined,
  now: number,
): Promise<void> {
  const index = await requireCaIndex(folder);
  const issuer = index.issuers.find((one) => one.id === id);
  if (issuer === undefined)
    throw new CeremonyError("issuer-unknown", `there is no issuer ${id} in ${folder}`, { path: id });
  if (issuer.status === "active")
    throw new CeremonyError("issuer-in-use", `${id} issues: rotate first, then it retires`, { path: id });
  if (latestExpiry !== undefined && latestExpiry > now)
    throw new CeremonyError(
      "issuer-in-use",
      `${id} has issued certificates that live until ${new Date(latestExpiry * 1000).toISOString()}; their status must stay available`,
      { path: id },
    );
  await writeCaIndex(folder, { ...index, issuers: index.issuers.filter((one) => one.id !== id) });
}
