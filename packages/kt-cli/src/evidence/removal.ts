import {
  AuditorUpdate,
  evaluatePrefixProof,
  KeytransError,
  prefixParentValue,
  type Suite,
  ZERO_HASH,
} from "@mls-as/keytrans";
import { decode, equalBytes } from "@mls-as/tls-codec";

/** What is left of a subtree when leaves are taken out of it. */
interface Remains {
  readonly value: Uint8Array;
  /** `gone`: nothing is left. `floating`: one node that moves up until it has a sibling. */
  readonly state: "fixed" | "floating" | "gone";
}

const bit = (key: Uint8Array, depth: number): number => ((key[depth >> 3] as number) >> (7 - (depth & 7))) & 1;

/**
 * Prefix tree roots that an update may lead to which only removes leaves: the draft leaves the shape open, so either the
 * leaf is replaced by nothing, or its sibling moves up as if the leaf had never been there. Empty where the update's own
 * proof does not show the leaves in the tree of root `before`.
 */
export function rootsAfterRemoval(suite: Suite, bytes: Uint8Array, before: Uint8Array): Uint8Array[] {
  const { added, removed, proof } = decode(AuditorUpdate, bytes);
  if (removed.length === 0 || added.length > 0) return [];
  if (proof.results.some(({ resultType }) => resultType !== "inclusion")) return [];
  try {
    if (!equalBytes(evaluatePrefixProof(suite, removed, proof), before)) return [];
  } catch (error) {
    if (error instanceof KeytransError) return [];
    throw error;
  }
  const terminals = removed
    .map(({ vrfOutput }, i) => ({ key: vrfOutput, depth: (proof.results[i] as { depth: number }).depth }))
    .sort((a, b) => Buffer.compare(a.key, b.key));
  return [true, false].map((collapse) => fold(suite, terminals, proof.elements, collapse));
}

/** The same walk that evaluates a proof, with the leaves gone. The proof was evaluated before: its counts fit. */
function fold(
  suite: Suite,
  terminals: readonly { readonly key: Uint8Array; readonly depth: number }[],
  elements: readonly Uint8Array[],
  collapse: boolean,
): Uint8Array {
  let used = 0;
  const combine = (left: Remains, right: Remains): Remains => {
    if (collapse) {
      if (left.state === "gone" && right.state === "gone") return left;
      for (const [one, other] of [
        [left, right],
        [right, left],
      ] as const) {
        if (one.state === "gone") return equalBytes(other.value, ZERO_HASH) ? one : { ...other, state: "floating" };
        if (one.state === "floating" && equalBytes(other.value, ZERO_HASH)) return one;
      }
    }
    return { value: prefixParentValue(suite, left.value, right.value), state: "fixed" };
  };
  const visit = (from: number, to: number, depth: number): Remains => {
    if (from === to) return { value: elements[used++] as Uint8Array, state: "fixed" };
    if ((terminals[from] as { depth: number }).depth === depth) return { value: ZERO_HASH, state: "gone" };
    let middle = from;
    while (middle < to && bit((terminals[middle] as { key: Uint8Array }).key, depth) === 0) middle++;
    const left = visit(from, middle, depth + 1);
    return combine(left, visit(middle, to, depth + 1));
  };
  return visit(0, terminals.length, 0).value;
}
