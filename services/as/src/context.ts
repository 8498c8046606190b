import type { Logger } from "pino";
import type { VerifyContinuity } from "./device/verify-continuity.js";
import type { CallerLimits } from "./caller-limits.js";
import type { Metrics } from "./metrics.js";
import type { OcspAnswers } from "./revocation/ocsp-answers.js";
import type { OcspResponder } from "./revocation/ocsp-message.js";
import type { PolicyContext } from "./policy/validation-policy.js";
import type { Signer } from "@mls-as/signers";

/** What the routes work with; made once at start. */
export interface AppContext extends PolicyContext {
  readonly signer: Signer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly callers: CallerLimits;
  /** Rejects while the log does not answer. */
  readonly askLog: () => Promise<void>;
  readonly verifyContinuity: VerifyContinuity;
  /** By the issuer's id. */
  readonly ocspResponders: ReadonlyMap<string, OcspResponder>;
  readonly ocsp: OcspAnswers;
  /** SHA-256 of the admin token. */
  readonly adminTokenHash: Uint8Array;
  /** SHA-256 of the token that the revocation feed is read with. */
  readonly feedTokenHash: Uint8Array;
}
