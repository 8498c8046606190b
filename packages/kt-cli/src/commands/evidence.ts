import { logId as logIdOf, Configuration } from "@mls-as/keytrans";
import { CodecError, decode } from "@mls-as/tls-codec";
import type { Finding } from "@mls-as/mls-credentials";
import { hex } from "../bytes-text.js";
import type { Context } from "../context.js";
import { isBundle, readBundle } from "../evidence/bundle.js";
import { judge } from "../evidence/judge.js";
import { findingIn, judgeFindingFile } from "../evidence/judge-finding.js";
import type { Opinion } from "../evidence/judgement.js";
import { EXIT } from "../exit-code.js";
import { Failure } from "../failure.js";
import { readJson } from "../json-file.js";
import type { Report } from "../report.js";
import { trust } from "./verify.js";

export interface EvidenceFlags {
  readonly fingerprint?: string | undefined;
  /** Policy of the accused's domain, for findings of the ghost detector. */
  readonly policy?: string | undefined;
}

const VERDICTS = {
  proven: "PROVEN",
  confirmed: "CONFIRMED, NOT PROOF",
  unfounded: "UNFOUNDED",
} as const;

/** Judges an evidence file offline, in plain words: of `kt`, or a finding of the ghost detector. */
export async function evidence(context: Context, path: string, flags: EvidenceFlags): Promise<Report> {
  const value = await readJson(context, path);
  const finding = findingIn(value);
  if (finding !== undefined) {
    const id = logOfFinding(finding);
    const opinion = await judgeFindingFile(context, finding, flags.policy, id);
    return report(context, finding.kind, opinion, id === undefined ? undefined : hex(id), flags);
  }
  if (!isBundle(value)) throw new Failure("file-malformed", `${path} is no evidence file of this project.`, { path });
  const bundle = readBundle(value);
  const { log, ...opinion } = await judge(bundle);
  return report(context, bundle.kind, opinion, hex(log.logId), flags);
}

/** The log that the first proof of a finding is from. */
function logOfFinding({ evidence: { lists = [], heads = [] } }: Finding): Uint8Array | undefined {
  const configuration = lists[0]?.proof?.configuration ?? heads[0]?.signed?.configuration;
  if (typeof configuration !== "string") return undefined;
  try {
    return logIdOf(decode(Configuration, new Uint8Array(Buffer.from(configuration, "hex"))));
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

async function report(
  context: Context,
  kind: string,
  { exit, verdict, headline, words }: Opinion,
  id: string | undefined,
  { fingerprint }: EvidenceFlags,
): Promise<Report> {
  const whose = id === undefined ? undefined : await trust(context, new Set([id]), fingerprint);
  return {
    exit,
    data: { kind, verdict, headline, words, log: id ?? null, knownLog: whose ?? false },
    print(paper) {
      const ink = exit === EXIT.misbehaviour ? "bad" : exit === EXIT.fine ? "good" : "warn";
      paper.line(`${VERDICTS[verdict]}: ${headline}`, ink);
      for (const text of words) paper.paragraph(text, "  ");
      if (id === undefined) return;
      paper.line();
      paper.line(`Log id ${id}`);
      paper.paragraph(
        whose === undefined
          ? "No pinned log has this id: compare it with the fingerprint of the log that is accused. The verdict is about whoever holds that key."
          : `That is ${whose}.`,
      );
    },
  };
}
