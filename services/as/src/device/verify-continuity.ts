import type { Continuity } from "@mls-as/mls-credentials";

/** Verifies the signature of a continuity statement by the old key that it names. */
export type VerifyContinuity = (continuity: Continuity) => Promise<boolean>;
