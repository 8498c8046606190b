/** Refusals that may be a guess at a secret; who keeps getting them has to wait. */
export const GUESSES: ReadonlySet<string> = new Set([
  "token-unknown",
  "unauthorized",
  "nonce-invalid",
  "signer-unknown",
]);
