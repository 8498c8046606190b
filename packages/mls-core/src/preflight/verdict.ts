import { type Codec, tryDecode } from "@mls-as/tls-codec";
import { type Violation, Violations } from "../checks/violation.js";
import { MLSMessage } from "../types/mls-message.js";

/** What a preflight says of bytes from the network. */
export interface Verdict<T> {
  readonly ok: boolean;
  /** Every broken rule; empty exactly when `ok`. */
  readonly violations: readonly Violation[];
  /** What was decoded, if it was, whether it is valid or not. */
  readonly value: T | undefined;
}

/** How much input a preflight looks at, and in which frame it expects it. */
export interface PreflightLimits {
  /** Longest input in bytes; default 64 MiB. */
  readonly maximumBytes?: number | undefined;
  /** `mls-message`: inside an MLSMessage; `raw`: the bare structure. */
  readonly framing?: "raw" | "mls-message" | undefined;
}

const DEFAULT_MAXIMUM_BYTES = 2 ** 26;
const CODEC_SECTION = "Presentation Language";

/** Decodes hostile bytes; undefined with a violation when they are too many or do not decode. */
export function decodeWithin<T>(
  codec: Codec<T>,
  bytes: Uint8Array,
  { maximumBytes = DEFAULT_MAXIMUM_BYTES }: PreflightLimits,
  violations: Violations,
): T | undefined {
  if (!(bytes instanceof Uint8Array)) {
    violations.add("malformed", "", CODEC_SECTION, "not a Uint8Array");
    return undefined;
  }
  if (bytes.length > maximumBytes) {
    violations.add("too-large", "", CODEC_SECTION, `${bytes.length} bytes, at most ${maximumBytes} are looked at`);
    return undefined;
  }
  const decoded = tryDecode(codec, bytes);
  if (decoded.ok) return decoded.value;
  const { code, offset, path, reason } = decoded.error;
  violations.add("malformed", path, CODEC_SECTION, `${code} at offset ${offset}: ${reason}`);
  return undefined;
}

/** The content of an MLSMessage of the wanted wire format. */
export function decodeMessage<F extends MLSMessage["wireFormat"]>(
  wireFormat: F,
  bytes: Uint8Array,
  limits: PreflightLimits,
  violations: Violations,
): Extract<MLSMessage, { wireFormat: F }> | undefined {
  const message = decodeWithin(MLSMessage, bytes, limits, violations);
  if (message === undefined) return undefined;
  if (message.wireFormat === wireFormat) return message as Extract<MLSMessage, { wireFormat: F }>;
  violations.add("malformed", "wire_format", "Message Framing", `${message.wireFormat}, not ${wireFormat}`);
  return undefined;
}

/** Runs a check and turns whatever it throws into a violation: a preflight never throws. */
export async function judge<T>(
  check: (violations: Violations) => Promise<{ readonly value: T | undefined; readonly found: readonly Violation[] }>,
): Promise<Verdict<T>> {
  const violations = new Violations();
  try {
    const { value, found } = await check(violations);
    const all = [...violations.list, ...found];
    return { ok: all.length === 0, violations: all, value };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    violations.add("provider-failure", "", "Signing", detail);
    return { ok: false, violations: violations.list, value: undefined };
  }
}
