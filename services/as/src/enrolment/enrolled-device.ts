export interface EnrolledDevice {
  readonly user: string;
  readonly client: string;
  /** SHA-256 of each SubjectPublicKeyInfo of the request. */
  readonly spkiHashes: readonly Uint8Array[];
}
