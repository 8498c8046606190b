import { type Codec, struct, uint16, uint64, vectorV } from "@mls-as/tls-codec";

/** ProtocolVersion of RFC 9420, "Key Packages". */
export const MLS10 = 1;

/** RFC 9420, "Leaf Node Contents": what a client supports, beyond the defaults. Unknown and GREASE values are preserved. */
export interface Capabilities {
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly extensions: readonly number[];
  readonly proposals: readonly number[];
  readonly credentials: readonly number[];
}
export const Capabilities: Codec<Capabilities> = struct({
  versions: vectorV(uint16),
  cipherSuites: vectorV(uint16),
  extensions: vectorV(uint16),
  proposals: vectorV(uint16),
  credentials: vectorV(uint16),
});

/** RFC 9420, "Leaf Node Contents": seconds since 1970, both ends included. */
export interface Lifetime {
  readonly notBefore: bigint;
  readonly notAfter: bigint;
}
export const Lifetime: Codec<Lifetime> = struct({ notBefore: uint64, notAfter: uint64 });

/** Whether a 16-bit value is one of the GREASE values 0x0A0A, 0x1A1A, … 0xEAEA (RFC 9420, "GREASE"). */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >>> 12 === ((value >>> 4) & 0xf) && value < 0xf000;
}
