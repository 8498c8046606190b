import type { CryptoProvider } from "@mls-as/mls-core";
import type { Certificate, SignatureMemo } from "./certificate/index.js";
import type { DeviceList } from "./device-list.js";
import type { PreparedPolicy } from "./prepared-policy.js";

/** A device list that the log has proven; obtained from a verified search or a verified staple, never unverified. */
export interface DeviceEvidence {
  /** As `checkDeviceList` returned it. */
  readonly list: DeviceList;
  /** The log whose proof was verified, 32 bytes. */
  readonly logId: Uint8Array;
  /** The log entry at which this was the greatest version. */
  readonly position: number;
  /** That entry's time, seconds since 1970. */
  readonly provenAt: number;
  readonly source: "search" | "staple";
}

/** Whom the app expects: what it knows from its own roster, never from the credential. */
export interface ReferenceIdentifier {
  readonly user: string;
  /** The device too, where the app knows it. */
  readonly client?: string;
}

/** A credential as it stands in a LeafNode, KeyPackage or external_senders entry. */
export interface PresentedCredential {
  /** `cert_data` of the x509 credential, DER, leaf first. */
  readonly certificates: readonly Uint8Array[];
  /** `signature_key` beside it: raw EdDSA key or uncompressed point. */
  readonly signatureKey: Uint8Array;
  /** TLS SignatureScheme of the group's cipher suite. */
  readonly signatureScheme: number;
}

/** Certificates that were parsed before, and the signatures that were verified on them. */
export interface CertificateMemory {
  readonly signatures: SignatureMemo;
  leaf(der: Uint8Array): Certificate;
  issuer(der: Uint8Array): Certificate;
}

/** Everything a decision may rest on. */
export interface AcceptanceBasis {
  readonly policy: PreparedPolicy;
  readonly provider: CryptoProvider;
  /** The pin's time, a time stated for what was received earlier, or this member's clock. Seconds since 1970. */
  readonly time: number;
  readonly timeSource: "pin" | "stated" | "local";
  /** The user's device list as the log proves it at the pinned position, or as stapled. */
  readonly devices?: DeviceEvidence;
  /** Since when evidence has been asked for in vain; without it, missing evidence is refused at once under `required`. */
  readonly evidenceMissingSince?: number;
  /** Shared by a batch, so that each issuer's signature is checked once. */
  readonly memo?: SignatureMemo;
  /** Remembers parsed certificates and their signatures (`VerifierMemory`); takes the place of `memo`. */
  readonly memory?: CertificateMemory;
}
