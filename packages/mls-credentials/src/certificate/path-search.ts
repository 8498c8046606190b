import { equalBytes } from "@mls-as/tls-codec";
import { bytesKey } from "../bytes-key.js";
import { type Certificate, isSelfIssued } from "./certificate.js";
import type { PathLimits } from "./path-inputs.js";
import { type Reason, reasonAt } from "./path-reason.js";
import type { SignatureVerifier } from "./signature.js";
import type { SignatureMemo } from "./signature-memo.js";

/** How far a search may go; shared by all searches of one validation. */
export class SearchBudget {
  readonly maxIntermediates: number;
  #signatures: number;
  #steps: number;
  #nameComparisons: number;
  exhausted = false;

  constructor(limits: PathLimits = {}) {
    this.maxIntermediates = limits.maxIntermediates ?? 32;
    this.#nameComparisons = limits.maxNameComparisons ?? 262_144;
    this.#signatures = limits.maxSignatureChecks ?? 256;
    this.#steps = limits.maxSteps ?? 16_384;
  }

  takeStep(): boolean {
    this.#steps -= 1;
    if (this.#steps < 0) this.exhausted = true;
    return !this.exhausted;
  }

  /** Comparisons end the path at hand, not the search: another path may need none. */
  takeNameComparisons(count: number): boolean {
    this.#nameComparisons -= count;
    return this.#nameComparisons >= 0;
  }

  takeSignature(): boolean {
    this.#signatures -= 1;
    if (this.#signatures < 0) this.exhausted = true;
    return !this.exhausted;
  }
}

/** Most violations that are told of when no path is found. */
const MAX_REJECTED = 32;

export interface SearchInputs {
  readonly leaf: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  readonly provider: SignatureVerifier;
  readonly memo: SignatureMemo;
  readonly budget: SearchBudget;
}

/** What a search met besides paths. */
export interface SearchTrace {
  /** Violations that kept candidates out of a path, such as a signature that does not verify. */
  readonly rejected: Reason[];
  /** Longest chain followed. */
  longest: readonly Certificate[];
}

/**
 * Finds chains from the leaf to an anchor that chain by name and signature, shortest first, and gives each to `accept`
 * until it returns true.
 *
 * Loops are cut by letting no subject with the same key appear twice, dead ends by following only issuers from which an
 * anchor can be reached by name.
 */
export async function searchPaths(
  inputs: SearchInputs,
  trace: SearchTrace,
  accept: (path: readonly Certificate[]) => Promise<boolean>,
): Promise<boolean> {
  const anchors = indexBySubject(inputs.anchors);
  const intermediates = indexBySubject(leadingToAnchors(inputs.intermediates, anchors));
  const { budget } = inputs;
  let passedOver = false;

  /**
   * Extends `chain` by exactly `depth` intermediates and an anchor; reports whether a deeper search could differ. Key
   * identifiers are a hint, not a rule: what contradicts them is a candidate only when `anyKeyIdentifier` says so.
   */
  const extend = async (
    chain: readonly Certificate[],
    depth: number,
    anyKeyIdentifier: boolean,
  ): Promise<"found" | "deeper" | undefined> => {
    if (!budget.takeStep()) return undefined;
    const last = chain[chain.length - 1] as Certificate;
    const candidates = (depth === 0 ? anchors : intermediates).get(last.issuer.key) ?? [];
    let outcome: "deeper" | undefined = depth === 0 && intermediates.has(last.issuer.key) ? "deeper" : undefined;
    for (const issuer of candidates) {
      if (!anyKeyIdentifier && contradictsKeyIdentifier(issuer, last)) {
        passedOver = true;
        continue;
      }
      const longer = [...chain, issuer];
      if (depth > 0 && chain.some((other) => isSameSubject(other, issuer))) continue;
      if (depth > 0 && tooLong(longer, budget.maxIntermediates)) continue;
      if (inputs.memo.peek(last, issuer) === undefined && !budget.takeSignature()) return undefined;
      const problem = await inputs.memo.check(inputs.provider, last, issuer);
      if (problem !== undefined) {
        if (trace.rejected.length < MAX_REJECTED) trace.rejected.push(reasonAt(chain.length - 1, problem));
        continue;
      }
      if (longer.length > trace.longest.length) trace.longest = longer;
      const below = depth > 0 ? await extend(longer, depth - 1, anyKeyIdentifier) : await accept(longer);
      if (below === true || below === "found") return "found";
      if (below === "deeper") outcome = "deeper";
    }
    return outcome;
  };

  for (const anyKeyIdentifier of [false, true]) {
    if (anyKeyIdentifier && !passedOver) break;
    for (let depth = 0, outcome: string | undefined = "deeper"; outcome === "deeper"; depth += 1) {
      outcome = await extend([inputs.leaf], depth, anyKeyIdentifier);
      if (outcome === "found") return true;
    }
  }
  return false;
}

/** True when both are certificates of one key under one name. */
function isSameSubject(a: Certificate, b: Certificate): boolean {
  return a.subject.key === b.subject.key && equalBytes(a.spki, b.spki);
}

/** True when a chain holds more intermediates than allowed; self-issued ones do not count. */
function tooLong(chain: readonly Certificate[], maximum: number): boolean {
  return chain.slice(1).filter((certificate) => !isSelfIssued(certificate)).length > maximum;
}

function indexBySubject(certificates: readonly Certificate[]): Map<string, Certificate[]> {
  const index = new Map<string, Certificate[]>();
  for (const certificate of certificates.length > 1 ? distinct(certificates) : certificates) {
    const list = index.get(certificate.subject.key);
    if (list === undefined) index.set(certificate.subject.key, [certificate]);
    else list.push(certificate);
  }
  return index;
}

function distinct(certificates: readonly Certificate[]): Iterable<Certificate> {
  const known = new Map<string, Certificate>();
  for (const certificate of certificates) {
    const key = bytesKey(certificate.der);
    if (!known.has(key)) known.set(key, certificate);
  }
  return known.values();
}

/** The intermediates from which following issuer names can end at an anchor. */
function leadingToAnchors(intermediates: readonly Certificate[], anchors: ReadonlyMap<string, unknown>): Certificate[] {
  const issuedBy = new Map<string, Certificate[]>();
  for (const certificate of intermediates) {
    const list = issuedBy.get(certificate.issuer.key);
    if (list === undefined) issuedBy.set(certificate.issuer.key, [certificate]);
    else list.push(certificate);
  }
  const reached = new Set(anchors.keys());
  const leading: Certificate[] = [];
  for (const name of reached)
    for (const certificate of issuedBy.get(name) ?? []) {
      leading.push(certificate);
      reached.add(certificate.subject.key);
    }
  return leading;
}

/** True when the issuer's key identifier is not the one its subject names. */
function contradictsKeyIdentifier(
  { subjectKeyIdentifier }: Certificate,
  { authorityKeyIdentifier }: Certificate,
): boolean {
  const wanted = authorityKeyIdentifier?.keyIdentifier;
  return wanted !== undefined && subjectKeyIdentifier !== undefined && !equalBytes(subjectKeyIdentifier, wanted);
}
