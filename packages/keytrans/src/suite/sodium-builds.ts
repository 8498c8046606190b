import { POINT_LENGTH } from "./edwards25519-vrf.js";
import type { Sodium } from "./sodium-vrf.js";

/** Where libsodium's point arithmetic comes from: machine code (`sodium-native`), or WebAssembly. */
export type SodiumBuild = "native" | "wasm";

async function installed<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** `libsodium-wrappers-sumo`, where it is installed. */
export async function wasmSodium(): Promise<Sodium | undefined> {
  const build = await installed(() => import("libsodium-wrappers-sumo"));
  await build?.default.ready;
  return build?.default;
}

/**
 * `sodium-native`, where it is installed and has a build for this platform: 2.5 times as fast. What it does not export,
 * multiplication of scalars, and what costs next to nothing is left to `wasm`.
 */
export async function nativeSodium(wasm: Sodium): Promise<Sodium | undefined> {
  let native: typeof import("sodium-native")["default"];
  try {
    ({ default: native } = await import("sodium-native"));
  } catch {
    return undefined; // not installed, or no build for this platform
  }
  const point = (compute: (result: Uint8Array) => void): Uint8Array => {
    const result = new Uint8Array(POINT_LENGTH);
    compute(result);
    return result;
  };
  return {
    crypto_core_ed25519_scalar_reduce: (scalar) => wasm.crypto_core_ed25519_scalar_reduce(scalar),
    crypto_core_ed25519_scalar_add: (x, y) => wasm.crypto_core_ed25519_scalar_add(x, y),
    crypto_core_ed25519_scalar_mul: (x, y) => wasm.crypto_core_ed25519_scalar_mul(x, y),
    crypto_core_ed25519_is_valid_point: (p) => native.crypto_core_ed25519_is_valid_point(p),
    crypto_core_ed25519_add: (p, q) => point((result) => native.crypto_core_ed25519_add(result, p, q)),
    crypto_core_ed25519_sub: (p, q) => point((result) => native.crypto_core_ed25519_sub(result, p, q)),
    crypto_scalarmult_ed25519_noclamp: (scalar, p) =>
      point((result) => native.crypto_scalarmult_ed25519_noclamp(result, scalar, p)),
    crypto_scalarmult_ed25519_base_noclamp: (scalar) =>
      point((result) => native.crypto_scalarmult_ed25519_base_noclamp(result, scalar)),
  };
}
