import type { IssuingCa } from "../ca/development-ca.js";
import { issuerUrls, SHARD_SECONDS } from "../issuance/issue.js";
import type { Store } from "../storage/store.js";
import { buildRevocationList } from "../x509/certificate-revocation-list.js";

/** Seconds for which a list may be used, and after which it is made anew though nothing changed. */
const VALIDITY = 86_400;
const REFRESH = 21_600;

export interface RevocationListsContext {
  readonly store: Store;
  readonly issuers: () => readonly IssuingCa[];
  readonly publicUrl: () => string;
  readonly now: () => number;
  readonly config: { readonly certificateLifetime: number };
}

interface Cached {
  readonly der: Promise<Uint8Array>;
  readonly revoked: number;
  /** Of the last revocation at which `revoked` was counted: while none came after, it is right. */
  sequence: number;
  readonly madeAt: number;
}

/** The CRLs of all issuers, each made when it is first asked for, and again whenever a revocation was added. */
export class RevocationLists {
  readonly #context: RevocationListsContext;
  readonly #cache = new Map<string, Cached>();

  constructor(context: RevocationListsContext) {
    this.#context = context;
  }

  /** The current list of a shard; undefined for issuers and shards that do not exist. */
  async list(issuerId: string, shard: number): Promise<{ der: Uint8Array; expires: number } | undefined> {
    const { store, issuers, now } = this.#context;
    const issuer = issuers().find(({ id }) => id === issuerId);
    if (issuer === undefined || !this.#exists(shard)) return undefined;
    const key = `${issuerId}-${shard}`;
    const sequence = await store.revocationSequence();
    let cached = this.#cache.get(key);
    const revoked = cached?.sequence === sequence ? cached.revoked : await store.countRevoked(issuerId, shard);
    if (cached !== undefined && cached.revoked === revoked) cached.sequence = sequence;
    if (cached === undefined || cached.revoked !== revoked || now() - cached.madeAt >= REFRESH) {
      cached = { der: this.#build(issuer, shard), revoked, sequence, madeAt: now() };
      this.#cache.set(key, cached);
      cached.der.catch(() => this.#cache.delete(key));
    }
    return { der: await cached.der, expires: cached.madeAt + REFRESH };
  }

  /** Shards that an unexpired or just expired certificate can name. */
  #exists(shard: number): boolean {
    const current = Math.floor(this.#context.now() / SHARD_SECONDS);
    const last = Math.floor((this.#context.now() + this.#context.config.certificateLifetime) / SHARD_SECONDS);
    return shard >= current - 1 && shard <= last;
  }

  async #build(issuer: IssuingCa, shard: number): Promise<Uint8Array> {
    const { store, now, publicUrl } = this.#context;
    const thisUpdate = now();
    // Certificates stay listed for one interval past their expiry (RFC 5280, "Revoked Certificates").
    const entries = await store.revokedEntries(issuer.id, shard, thisUpdate - VALIDITY);
    // Monotonically increasing for an issuer and scope (RFC 5280, "CRL Number"), whatever the clocks of several processes do.
    const number = await store.nextNumber(`crl-number ${issuer.id}-${shard}`, thisUpdate * 1000);
    return await buildRevocationList(issuer, {
      entries,
      thisUpdate,
      nextUpdate: thisUpdate + VALIDITY,
      number: BigInt(number),
      url: issuerUrls(publicUrl(), issuer.id, shard).crlUrl,
    });
  }
}
