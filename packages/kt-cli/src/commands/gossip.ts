import { INITIAL_STATE } from "@mls-as/keytrans/client";
import { LogClientError } from "@mls-as/kt-client";
import { renderUnicodeCompact } from "uqr";
import { asking, plainFailure } from "../asking.js";
import { hex } from "../bytes-text.js";
import type { Context } from "../context.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { logOf } from "../exchange-replay.js";
import { checkGossip, compareGossip, type Comparison } from "../gossip/compare.js";
import { type Gossip, gossipJson, gossipOf, gossipText, readGossip } from "../gossip/gossip-file.js";
import { writeJson } from "../json-file.js";
import { choosePin, connectPinned, type LogFlags, openSession, type Session } from "../pin.js";
import type { Report } from "../report.js";
import { saveBundle, type SharedFlags } from "../save-bundle.js";
import type { Paper } from "../terminal/paper.js";
import { countText, timeText } from "../terminal/time-text.js";

export interface GossipFlags extends LogFlags, SharedFlags {
  /** Other addresses of the log to look from. */
  readonly via?: readonly string[] | undefined;
  /** Writes this vantage point's view to a file. */
  readonly save?: string | undefined;
  readonly qr?: boolean | undefined;
  /** Compare the files with each other, asking nobody. */
  readonly offline?: boolean | undefined;
}

interface Compared {
  readonly name: string;
  readonly comparison: Comparison;
  readonly evidence: string | undefined;
}

/** Shows this vantage point's view of the log, and compares it with others'. */
export async function gossip(context: Context, files: readonly string[], flags: GossipFlags): Promise<Report> {
  const pin = await choosePin(context, flags);
  const log = await logOf(pin.configuration);
  const views: { name: string; view: Gossip }[] = [];
  if (flags.offline !== true) {
    const session = await openSession(context, flags);
    views.push({ name: session.connection.url, view: await look(context, session) });
  }
  for (const url of flags.via ?? []) views.push({ name: url, view: await lookVia(context, url, flags) });
  for (const file of files)
    views.push({ name: file.startsWith("KT1:") ? "the payload" : file, view: await readGossip(context, file) });
  for (const { name, view } of views) await checkGossip(log, view, name);
  const [own, ...others] = views;
  if (flags.save !== undefined && own !== undefined) await writeJson(flags.save, gossipJson(own.view));
  const compared: Compared[] = [];
  for (const { name, view } of others) {
    const comparison = await compareGossip(log, (own as { view: Gossip }).view, view);
    const bundle = comparison.verdict === "fork" ? comparison.bundle : undefined;
    compared.push({ name, comparison, evidence: bundle && (await saveBundle(context, flags, bundle)) });
  }
  return report(own, compared, flags);
}

/** The log as someone sees who has never seen it, held against what is known here. */
async function look(context: Context, session: Session): Promise<Gossip> {
  await asking(context, session, () => session.client.distinguished());
  const { state, exchange } = await session.connection.distinguished(INITIAL_STATE);
  return gossipOf(session.pin.logId, state, context.clock(), exchange);
}

/** The log from another address, without telling it what is known here. */
async function lookVia(context: Context, url: string, flags: GossipFlags): Promise<Gossip> {
  const pin = await choosePin(context, flags);
  try {
    const connection = await connectPinned(context, pin, { ...flags, url });
    const { state, exchange } = await connection.distinguished(INITIAL_STATE);
    return gossipOf(pin.logId, state, context.clock(), exchange);
  } catch (error) {
    throw error instanceof LogClientError ? plainFailure(error) : error;
  }
}

function exitOf({ comparison, evidence }: Compared): ExitCode {
  if (comparison.verdict === "fork") return evidence === undefined ? EXIT.unreachable : EXIT.misbehaviour;
  return comparison.verdict === "apart" ? EXIT.unreachable : EXIT.fine;
}

function report(
  own: { name: string; view: Gossip } | undefined,
  compared: readonly Compared[],
  flags: GossipFlags,
): Report {
  const exits = compared.map(exitOf);
  const exit = exits.includes(EXIT.misbehaviour)
    ? EXIT.misbehaviour
    : (exits.find((each) => each !== EXIT.fine) ?? EXIT.fine);
  return {
    exit,
    data: {
      ...(own && {
        log: hex(own.view.logId),
        treeSize: own.view.head.treeSize,
        root: hex(own.view.head.root),
        heads: own.view.heads.map(({ position, root }) => ({ position, root: hex(root) })),
        payload: gossipText(own.view),
      }),
      compared: compared.map(({ name, comparison, evidence }) => ({
        with: name,
        verdict: comparison.verdict,
        ...(comparison.verdict === "behind" && {
          behind: comparison.who === "first" ? "this" : "other",
          entries: comparison.entries,
        }),
        ...(comparison.verdict === "fork" && { size: comparison.size, evidence: evidence ?? null }),
      })),
      ...(flags.save !== undefined && { saved: flags.save }),
    },
    print(paper) {
      if (own !== undefined && compared.length === 0) printView(paper, own.view, flags);
      for (const each of compared) printComparison(paper, each);
      if (flags.save !== undefined)
        paper.line(`Saved: ${flags.save}   (to be compared elsewhere: kt gossip ${flags.save})`);
    },
  };
}

function printView(paper: Paper, view: Gossip, { qr }: GossipFlags): void {
  const text = gossipText(view);
  paper.line(`${countText(view.head.treeSize)} entries, root ${hex(view.head.root)}, seen ${timeText(view.madeAt)}`);
  paper.line();
  const code = qr === false ? [] : renderUnicodeCompact(text, { border: 2 }).split("\n");
  if (code.length > 0 && (code[0] as string).length <= paper.width) for (const line of code) paper.line(line);
  for (let i = 0; i < text.length; i += paper.width) paper.line(text.slice(i, i + paper.width));
  paper.line();
  paper.line("Compare on another device, over another network: kt gossip FILE-OR-TEXT", "dim");
}

function printComparison(paper: Paper, { name, comparison, evidence }: Compared): void {
  switch (comparison.verdict) {
    case "consistent":
      return paper.inked(["good", "consistent"], `  with ${name}: the same log, the same head`);
    case "behind": {
      const who = comparison.who === "second" ? name : "this view";
      return paper.inked(
        ["good", "one is behind"],
        `  ${who}, by ${countText(comparison.entries)} entries; where both know the log, it is the same`,
      );
    }
    case "apart":
      paper.inked(["warn", "not comparable"], `  with ${name}: the two share no head`);
      return paper.paragraph(
        "One of them is older than the recent distinguished heads go back. Fetch it again and compare.",
        "  ",
      );
    case "fork":
      paper.inked(
        ["bad", "FORK"],
        `  ${name} was shown another history${comparison.size === undefined ? "" : ` (different trees of ${countText(comparison.size)} entries)`}`,
      );
      if (evidence !== undefined) return paper.evidence(evidence);
      return paper.paragraph(
        "The short payload does not prove it to others: ask for the file (kt gossip --save FILE) and compare again.",
        "  ",
      );
  }
}
