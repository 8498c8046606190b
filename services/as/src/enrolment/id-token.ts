import type { EnrolledDevice } from "./enrolled-device.js";

/**
 * Judges an OpenID Connect ID token for a device: issuer, audience, expiry, binding to the key, and that its claims map
 * to the identity.
 *
 * @throws Problem `oidc-token-invalid`, `oidc-nonce-mismatch`, `identity-mismatch`, `oidc-provider-unavailable`
 */
export type CheckIdToken = (idToken: string, device: EnrolledDevice, now: number) => Promise<void>;
