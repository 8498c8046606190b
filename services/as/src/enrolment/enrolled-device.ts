/** A device that asks for credentials. */
export interface EnrolledDevice {
  readonly user: string;
  readonly client: string;
  /** DER SubjectPublicKeyInfo of each key of the request, and its SHA-256. */
  readonly spkis: readonly Uint8Array[];
  readonly spkiHashes: readonly Uint8Array[];
}
