/** Why a logged value is not the device list that is due. */
export type DeviceListErrorCode =
  /** The bytes are not a `DeviceList`; `path` and message are the codec's. */
  | "malformed"
  /** `format` is not 1. */
  | "unknown-format"
  /** `identity` is not a canonical user URI. */
  | "invalid-identity"
  /** `identity` differs from the label under which the value was logged. */
  | "identity-mismatch"
  /** `version` differs from the KEYTRANS version. */
  | "version-mismatch"
  /** `previous_hash` is not the hash of the version before (zeros at version 0). */
  | "previous-hash-mismatch"
  /** A device's `client` is not a canonical client URI. */
  | "invalid-client"
  /** A device belongs to another user. */
  | "client-not-of-identity"
  /** A device without any credential. */
  | "empty-device"
  /** `not_before` after `not_after`. */
  | "validity-reversed"
  /** A revocation reason that RFC 5280 does not define for a certificate in a complete CRL. */
  | "invalid-reason"
  /** One certificate recorded twice. */
  | "duplicate-certificate"
  /** One signature key recorded under two clients. */
  | "key-of-two-clients"
  /** An approval or continuity made for another log. */
  | "wrong-log"
  /** An approval that is about another user, client or key than the record that carries it, or signed by no other device. */
  | "approval-mismatch"
  /** A continuity that is about another client or key than the record that carries it. */
  | "continuity-mismatch"
  /** `after_version` is not before the version that carries the approval. */
  | "approval-from-future"
  /** The approval expired before the device was added. */
  | "approval-expired"
  /** A signer's key is no supported DER SubjectPublicKeyInfo, or `signature_scheme` is not the key's. */
  | "invalid-signer-key"
  /** A signature by the named key does not verify. */
  | "invalid-signature"
  /** A change between two versions that no rule allows: a record dropped early, altered, or revived after revocation. */
  | "invalid-change";

/** Refusal of a device list. `path` names the field from the list inwards, as `devices[2].credentials[0].approval`. */
export class DeviceListError extends Error {
  override readonly name = "DeviceListError";
  readonly code: DeviceListErrorCode;
  readonly path: string;
  /** Title of the rule's section. */
  readonly section: string;

  constructor(code: DeviceListErrorCode, path: string, reason: string, section = "Wire formats: DeviceList") {
    super(path === "" ? reason : `${path}: ${reason}`);
    this.code = code;
    this.path = path;
    this.section = section;
  }
}
