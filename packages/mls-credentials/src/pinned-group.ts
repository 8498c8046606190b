import { AppDataDictionary, componentDataOf, type Extension, ExtensionType, findExtension } from "@mls-as/mls-core";
import { CodecError, decode, encode, equalBytes } from "@mls-as/tls-codec";
import {
  AUTH_PINS_COMPONENT_ID,
  type AuthPin,
  type AuthPins,
  decodeAuthPins,
  encodeAuthPins,
  pinOf,
} from "./auth-pins.js";
import { toBase64Url } from "./base64url.js";
import { policyDigest, readPolicy, type Weakening, weakenings } from "./policy.js";
import { PolicyError } from "./policy-error.js";
import type { PreparedPolicy } from "./prepared-policy.js";

const SECTION = "Acceptance and detection are two decisions";

export type PinErrorCode =
  /** The dictionary or the component is there and does not decode. */
  | "malformed-pins"
  /** The group pins a policy that this client has not got. */
  | "unknown-policy"
  /** The policy does not trust the log that is pinned with it. */
  | "wrong-log"
  /** This client has not proven the pinned entry yet: walk the distinguished heads first. */
  | "unknown-position"
  /** This client has proven another root for the pinned entry: somebody was shown another log. */
  | "root-mismatch";

/** Refusal to judge by a group's pins; `path` names the pin or its member. */
export class PinError extends Error {
  override readonly name = "PinError";
  readonly section = SECTION;
  readonly code: PinErrorCode;
  readonly path: string;

  constructor(code: PinErrorCode, path: string, reason: string, options?: { readonly cause: unknown }) {
    super(`${path}: ${reason}`, options);
    this.code = code;
    this.path = path;
  }
}

/** The pins in a GroupContext's extensions; undefined where the group has none. @throws PinError malformed-pins */
export function readAuthPins(extensions: readonly Extension[]): AuthPins | undefined {
  const dictionary = readDictionary(extensions);
  const data = dictionary === undefined ? undefined : componentDataOf(dictionary, AUTH_PINS_COMPONENT_ID);
  if (data === undefined) return undefined;
  try {
    return decodeAuthPins(data);
  } catch (cause) {
    throw malformed(cause);
  }
}

/**
 * A GroupContext's extensions with these pins in the place of any others; every other component and extension stays as it
 * is. What a GroupContextExtensions proposal, or the founder of a group, sets.
 *
 * @throws PinError malformed-pins when the dictionary that is there does not decode
 */
export function writeAuthPins(extensions: readonly Extension[], pins: AuthPins): Extension[] {
  const others = readDictionary(extensions)?.componentData ?? [];
  const component = { componentId: AUTH_PINS_COMPONENT_ID, data: encodeAuthPins(pins) };
  const componentData = [...others.filter(({ componentId }) => componentId !== AUTH_PINS_COMPONENT_ID), component].sort(
    (a, b) => a.componentId - b.componentId,
  );
  const extension = {
    extensionType: ExtensionType.appDataDictionary,
    extensionData: encode(AppDataDictionary, { componentData }),
  };
  const at = extensions.findIndex(({ extensionType }) => extensionType === ExtensionType.appDataDictionary);
  return at < 0 ? [...extensions, extension] : extensions.map((each, i) => (i === at ? extension : each));
}

function readDictionary(extensions: readonly Extension[]): AppDataDictionary | undefined {
  const data = findExtension(extensions, ExtensionType.appDataDictionary);
  if (data === undefined) return undefined;
  try {
    return decode(AppDataDictionary, data);
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause: unknown): unknown {
  return cause instanceof CodecError ? new PinError("malformed-pins", cause.path, cause.message, { cause }) : cause;
}

/** What a pin change must not do. */
export type PinFault =
  | "pin-removed"
  | "position-decreased"
  /** The same position with another root: one of the two was made by a forked log. */
  | "root-changed"
  | "log-changed"
  /** A policy between the two is not at hand, or does not lead from the one to the other. */
  | "unknown-policy"
  /** The new policy takes protection away, and nobody here has accepted that. */
  | "weaker-policy";

export interface PinChangeFault {
  readonly domain: string;
  readonly fault: PinFault;
  /** With `weaker-policy`: what is taken away. */
  readonly weakenings?: readonly Weakening[];
}

export interface PinChangeBasis {
  /** Payloads of known policies by base64url digest; each must have been verified to be the operator's. */
  readonly policies: ReadonlyMap<string, Uint8Array>;
  /** Digests, base64url, of policies that somebody accepted although they are weaker. */
  readonly accepted: ReadonlySet<string>;
}

/**
 * Everything that is wrong with a commit that changes a group's pins: refuse it unless this is empty. Positions never
 * decrease, logs never change under the same policy chain, and what weakens protection waits for an explicit acceptance.
 */
export function pinChangeFaults(
  before: AuthPins | undefined,
  after: AuthPins | undefined,
  basis: PinChangeBasis,
): PinChangeFault[] {
  const faults: PinChangeFault[] = [];
  for (const pin of before?.pins ?? []) {
    const next = after === undefined ? undefined : pinOf(after, pin.domain);
    if (next === undefined) faults.push({ domain: pin.domain, fault: "pin-removed" });
    else faults.push(...pinFaults(pin, next, basis).map((fault) => ({ domain: pin.domain, ...fault })));
  }
  return faults;
}

function pinFaults(pin: AuthPin, next: AuthPin, basis: PinChangeBasis): Omit<PinChangeFault, "domain">[] {
  const faults: Omit<PinChangeFault, "domain">[] = [];
  const sameLog = equalBytes(pin.logId, next.logId);
  if (sameLog && next.position < pin.position) faults.push({ fault: "position-decreased" });
  if (sameLog && next.position === pin.position && !equalBytes(pin.root, next.root))
    faults.push({ fault: "root-changed" });
  const digest = toBase64Url(next.policyDigest);
  if (equalBytes(pin.policyDigest, next.policyDigest)) {
    if (!sameLog) faults.push({ fault: "log-changed" });
    return faults;
  }
  const lost = weakenedBetween(toBase64Url(pin.policyDigest), digest, basis.policies);
  if (lost === undefined) return [...faults, { fault: "unknown-policy" }];
  if (!sameLog && !lost.includes("log")) faults.push({ fault: "log-changed" });
  if (lost.length > 0 && !basis.accepted.has(digest)) faults.push({ fault: "weaker-policy", weakenings: lost });
  return faults;
}

/** What is lost on the way from one policy to a later one; undefined where the way is not known. */
function weakenedBetween(from: string, to: string, policies: ReadonlyMap<string, Uint8Array>): Weakening[] | undefined {
  const lost = new Set<Weakening>();
  let digest = to;
  for (let steps = 0; digest !== from; steps++) {
    const payload = policies.get(digest);
    if (payload === undefined || steps > policies.size || toBase64Url(policyDigest(payload)) !== digest)
      return undefined;
    try {
      const { previous } = readPolicy(payload);
      const before = previous === null ? undefined : policies.get(previous);
      if (previous === null || before === undefined || toBase64Url(policyDigest(before)) !== previous) return undefined;
      for (const weakening of weakenings(before, payload)) lost.add(weakening);
      digest = previous;
    } catch (error) {
      if (error instanceof PolicyError) return undefined;
      throw error;
    }
  }
  return [...lost];
}

/** A distinguished entry that this client has proven: its root as rightmost entry, and its time. */
export interface ProvenHead {
  readonly root: Uint8Array;
  /** Seconds since 1970. */
  readonly time: number;
}

export interface PinKnowledge {
  readonly policies: (digest: string) => PreparedPolicy | undefined;
  /** The distinguished entry at a position of a log, if this client has proven it. */
  readonly headAt: (logId: Uint8Array, position: bigint) => ProvenHead | undefined;
}

/** By what all members of a group with this pin judge: the pinned policy, at the pinned entry's time. */
export interface PinnedBasis {
  readonly policy: PreparedPolicy;
  readonly time: number;
  readonly timeSource: "pin";
}

/** @throws PinError `unknown-policy`, `wrong-log`, `unknown-position`, `root-mismatch` */
export function pinnedBasis(pin: AuthPin, { policies, headAt }: PinKnowledge): PinnedBasis {
  const digest = toBase64Url(pin.policyDigest);
  const policy = policies(digest);
  if (policy === undefined || policy.digest !== digest)
    throw new PinError("unknown-policy", `${pin.domain}.policyDigest`, `no policy ${digest} is at hand`);
  const trust = policy.domains.get(pin.domain);
  if (trust === undefined || !equalBytes(trust.logId, pin.logId))
    throw new PinError("wrong-log", `${pin.domain}.logId`, "the pinned policy trusts another log, or none");
  const head = headAt(pin.logId, pin.position);
  if (head === undefined)
    throw new PinError("unknown-position", `${pin.domain}.position`, `entry ${pin.position} is not proven here`);
  if (!equalBytes(head.root, pin.root))
    throw new PinError("root-mismatch", `${pin.domain}.root`, "another root was proven for that entry");
  return { policy, time: head.time, timeSource: "pin" };
}
