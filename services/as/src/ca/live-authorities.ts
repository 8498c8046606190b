import type { Signer } from "@mls-as/signers";
import type { OcspResponder } from "../revocation/ocsp-message.js";
import type { Authority, CertificationAuthorities, IssuingCa } from "./authority.js";
import { caIndexStamp } from "./ca-index.js";
import { CeremonyError } from "./ceremony-error.js";
import { openAuthorities } from "./development-ca.js";
import { openOcspDelegate } from "./ocsp-delegate.js";

/** Seconds after which OCSP delegates are looked at again, though nothing else changed. */
const DELEGATES_CHECKED_EVERY = 3_600;

/**
 * The authorities of a folder as they are now. `mls-as rotate` and `mls-as ceremony import` change them beside the
 * running service, which takes the change over whole: an issuer is seen once it can sign, with its OCSP responder.
 */
export class LiveAuthorities implements CertificationAuthorities {
  readonly #folder: string;
  readonly #signer: Signer;
  readonly #responders = new Map<string, OcspResponder>();
  #current: CertificationAuthorities;
  #stamp: string;
  #checkedAt = 0;
  #reloading: Promise<boolean> | undefined;

  private constructor(folder: string, signer: Signer, current: CertificationAuthorities, stamp: string) {
    this.#folder = folder;
    this.#signer = signer;
    this.#current = current;
    this.#stamp = stamp;
  }

  /** @throws CeremonyError `no-authority`; SignerError when a key cannot be opened */
  static async open(folder: string, signer: Signer, now: number): Promise<LiveAuthorities> {
    const { authorities, stamp } = await readConsistently(folder, signer);
    const live = new LiveAuthorities(folder, signer, authorities, stamp);
    await live.#openResponders(authorities, now);
    return live;
  }

  get domain(): string {
    return this.#current.domain;
  }

  get roots(): readonly Authority[] {
    return this.#current.roots;
  }

  get issuers(): readonly IssuingCa[] {
    return this.#current.issuers;
  }

  /** By the issuer's id. */
  get responders(): ReadonlyMap<string, OcspResponder> {
    return this.#responders;
  }

  /** Takes over what changed in the folder; tells whether anything did. Keeps what it has when it throws. */
  refresh(now: number): Promise<boolean> {
    this.#reloading ??= this.#reload(now).finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async #reload(now: number): Promise<boolean> {
    const changed = (await caIndexStamp(this.#folder)) !== this.#stamp;
    if (!changed && now - this.#checkedAt < DELEGATES_CHECKED_EVERY) return false;
    const { authorities, stamp } = await readConsistently(this.#folder, this.#signer);
    await this.#openResponders(authorities, now);
    this.#current = authorities;
    this.#stamp = stamp;
    return changed;
  }

  async #openResponders({ issuers, domain }: CertificationAuthorities, now: number): Promise<void> {
    for (const issuer of issuers)
      this.#responders.set(issuer.id, await openOcspDelegate(this.#folder, this.#signer, issuer, domain, now));
    this.#checkedAt = now;
  }
}

async function readConsistently(
  folder: string,
  signer: Signer,
): Promise<{ authorities: CertificationAuthorities; stamp: string }> {
  const stamp = await caIndexStamp(folder).catch((cause: unknown) => {
    throw new CeremonyError("no-authority", `${folder} holds no authority: run 'mls-as init' first`, {
      path: folder,
      cause,
    });
  });
  const authorities = await openAuthorities(folder, signer);
  if (authorities === undefined)
    throw new CeremonyError("no-authority", `${folder} holds no authority: run 'mls-as init' first`, { path: folder });
  return { authorities, stamp };
}
