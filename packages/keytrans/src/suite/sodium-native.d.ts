/** What is used of the native build: results go into the first argument, failures are thrown. */
declare module "sodium-native" {
  interface SodiumNative {
    crypto_core_ed25519_is_valid_point(point: Uint8Array): boolean;
    crypto_core_ed25519_add(result: Uint8Array, p: Uint8Array, q: Uint8Array): void;
    crypto_core_ed25519_sub(result: Uint8Array, p: Uint8Array, q: Uint8Array): void;
    crypto_scalarmult_ed25519_noclamp(result: Uint8Array, scalar: Uint8Array, point: Uint8Array): void;
    crypto_scalarmult_ed25519_base_noclamp(result: Uint8Array, scalar: Uint8Array): void;
  }
  const sodium: SodiumNative;
  export default sodium;
}
