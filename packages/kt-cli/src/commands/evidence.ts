import { hex } from "../bytes-text.js";
import type { Context } from "../context.js";
import { isBundle, readBundle } from "../evidence/bundle.js";
import { judge } from "../evidence/judge.js";
import { EXIT } from "../exit-code.js";
import { Failure } from "../failure.js";
import { readJson } from "../json-file.js";
import type { Report } from "../report.js";
import { trust } from "./verify.js";

export interface EvidenceFlags {
  readonly fingerprint?: string | undefined;
}

const VERDICTS = {
  proven: "PROVEN",
  confirmed: "CONFIRMED, NOT PROOF",
  unfounded: "UNFOUNDED",
} as const;

/** Judges an evidence file offline, in plain words. */
export async function evidence(context: Context, path: string, { fingerprint }: EvidenceFlags): Promise<Report> {
  const value = await readJson(context, path);
  if (!isBundle(value)) throw new Failure("file-malformed", `${path} is no evidence file of this project.`, { path });
  const bundle = readBundle(value);
  const { exit, verdict, headline, words, log } = await judge(bundle);
  const id = hex(log.logId);
  const whose = await trust(context, new Set([id]), fingerprint);
  return {
    exit,
    data: { kind: bundle.kind, verdict, headline, words, log: id, knownLog: whose ?? false },
    print(paper) {
      paper.line(
        `${VERDICTS[verdict]}: ${headline}`,
        exit === EXIT.misbehaviour ? "bad" : exit === EXIT.fine ? "good" : "warn",
      );
      for (const text of words) paper.paragraph(text, "  ");
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
