import type { KeyAlgorithm, SigningKey } from "@mls-as/signers";

/** A certification authority as others see it. */
export interface Authority {
  /** The key's id; part of the CRL and caIssuers URLs. */
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  /** DER. */
  readonly certificate: Uint8Array;
}

/** A certification authority and the key that signs for it. */
export interface CaKey extends Authority {
  readonly key: SigningKey;
}

export interface IssuingCa extends CaKey {
  /** Id of the root that signed it. */
  readonly root: string;
  /** A retiring issuer signs CRLs and OCSP answers, but no new certificates. */
  readonly status: "active" | "retiring";
}

/** Everything a service needs to issue. Root keys are not among it: they stay offline. */
export interface CertificationAuthorities {
  readonly domain: string;
  readonly roots: readonly Authority[];
  readonly issuers: readonly IssuingCa[];
}
