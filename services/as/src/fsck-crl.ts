import { verify, X509Certificate } from "node:crypto";
import { type CertificateList, parseCertificate, parseCertificateList } from "@mls-as/mls-credentials";
import { credentialsOf, type Discrepancy } from "./fsck.js";
import type { Store, StoredCredential } from "./storage/store.js";

const PAGE = 500;

/** Where lists are had from: what the service serves, not what it would make now. */
export interface ListSource {
  /** DER; undefined where none is served. */
  list(issuer: string, shard: number): Promise<Uint8Array | undefined>;
  /** DER certificate of an issuing key. */
  certificate(issuer: string): Promise<Uint8Array | undefined>;
}

/**
 * Compares the revocations in the store with the CRLs that are served: every unexpired credential must be on its list
 * exactly when it is revoked.
 *
 * @param now seconds since 1970
 */
export async function compareWithLists(store: Store, source: ListSource, now: number): Promise<readonly Discrepancy[]> {
  const discrepancies: Discrepancy[] = [];
  const lists = new Map<string, CertificateList | undefined>();
  const listOf = async ({ issuer, shard, user }: StoredCredential): Promise<CertificateList | undefined> => {
    const name = `${issuer}-${shard}`;
    if (!lists.has(name)) {
      const list = await usableList(source, issuer, shard, now);
      lists.set(name, list);
      if (list === undefined) discrepancies.push({ kind: "crl-unusable", label: user, credential: name });
    }
    return lists.get(name);
  };
  for (let after = ""; ; ) {
    const page = await store.users(after, PAGE);
    for (const user of page)
      for (const credential of await credentialsOf(store, user)) {
        if (credential.certificate === undefined || credential.notAfter <= now) continue;
        const list = await listOf(credential);
        if (list === undefined) continue;
        const certificate = parseCertificate(credential.certificate);
        const listed = list.find(certificate.issuer, certificate.serialHex) !== undefined;
        const revoked = credential.revocation !== undefined;
        if (listed !== revoked)
          discrepancies.push({
            kind: revoked ? "missing-from-crl" : "only-in-crl",
            label: user,
            credential: credential.id,
          });
      }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return discrepancies;
    after = last;
  }
}

async function usableList(
  source: ListSource,
  issuer: string,
  shard: number,
  now: number,
): Promise<CertificateList | undefined> {
  const [der, certificate] = [await source.list(issuer, shard), await source.certificate(issuer)];
  if (der === undefined || certificate === undefined) return undefined;
  try {
    const list = parseCertificateList(der);
    const { publicKey } = new X509Certificate(certificate);
    const digest = publicKey.asymmetricKeyType === "ed25519" ? null : "sha256";
    const genuine = verify(digest, list.tbs, publicKey, list.signature);
    const current = list.nextUpdate !== undefined && list.nextUpdate > now && list.unusable === undefined;
    return genuine && current ? list : undefined;
  } catch {
    return undefined;
  }
}

/** The lists that a running service serves. */
export function servedLists(url: string): ListSource {
  const base = url.replace(/\/+$/, "");
  const get = async (path: string): Promise<Uint8Array | undefined> => {
    const response = await fetch(`${base}${path}`, { signal: AbortSignal.timeout(30_000) });
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  };
  return {
    list: (issuer, shard) => get(`/crl/${issuer}-${shard}.crl`),
    certificate: (issuer) => get(`/ca/${issuer}.cer`),
  };
}
