import type { KnownLog } from "@mls-as/kt-client";
import { EXIT, type ExitCode } from "../exit-code.js";

/** A judgement in words, from the bytes of a bundle alone. */
export interface Judgement {
  readonly exit: ExitCode;
  /** `proven`: whoever trusts the log's key must believe it. `confirmed`: true, but nobody can be accused of it. */
  readonly verdict: "proven" | "confirmed" | "unfounded";
  readonly headline: string;
  readonly words: readonly string[];
  readonly log: KnownLog;
}

export type Opinion = Omit<Judgement, "log">;

export const proven = (headline: string, ...words: string[]): Opinion => ({
  exit: EXIT.misbehaviour,
  verdict: "proven",
  headline,
  words,
});

export const confirmed = (headline: string, ...words: string[]): Opinion => ({
  exit: EXIT.unreachable,
  verdict: "confirmed",
  headline,
  words,
});

export const unfounded = (...words: string[]): Opinion => ({
  exit: EXIT.fine,
  verdict: "unfounded",
  headline: "This proves nothing",
  words,
});
