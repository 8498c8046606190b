import { bytes } from "@mls-as/tls-codec";

/** `opaque HashValue[Hash.Nh]`: 32 bytes in both cipher suites. */
export const HashValue = bytes(32);
/** The all-zero value that stands for a missing child, for the root of an empty prefix tree, and for a skipped version's commitment. */
export const ZERO_HASH: Uint8Array = new Uint8Array(32);
