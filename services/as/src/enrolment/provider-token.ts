import type { EnrolledDevice } from "./enrolled-device.js";

/** A token of the OpenID provider, by what it was made for. */
export interface ProviderToken {
  readonly kind: "id" | "access";
  readonly token: string;
}

/**
 * Judges a token of the OpenID provider for a device: issuer, audience, expiry, binding to the key, and that its claims
 * map to the identity.
 *
 * @throws Problem `enrolment-proof-unsupported`, `oidc-token-invalid`, `oidc-nonce-mismatch`, `identity-mismatch`,
 *   `oidc-provider-unavailable`
 */
export type CheckProviderToken = (presented: ProviderToken, device: EnrolledDevice, now: number) => Promise<void>;
