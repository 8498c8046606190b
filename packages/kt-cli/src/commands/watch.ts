import type { Context } from "../context.js";
import { changesOf } from "../device-list-view.js";
import { Failure } from "../failure.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { type LogFlags, openSession } from "../pin.js";
import type { Report } from "../report.js";
import type { SharedFlags } from "../save-bundle.js";
import { Paper } from "../terminal/paper.js";
import { timeText } from "../terminal/time-text.js";
import { type Alert, exitOf } from "../watch/alert.js";
import { DaemonRecord, serveRecord } from "../watch/daemon.js";
import { Notifier, type NotifyFlags } from "../watch/notify.js";
import { readOwnList } from "../watch/own-devices-file.js";
import { type Round, type Watched, watchOnce } from "../watch/round.js";

export interface WatchFlags extends LogFlags, NotifyFlags, SharedFlags {
  readonly own?: string | undefined;
  /** What the log withheld from the owner so far is known, and no alert any more. */
  readonly acceptGaps?: boolean | undefined;
  readonly daemon?: boolean | undefined;
  /** Seconds between two looks of a daemon. */
  readonly interval?: number | undefined;
  readonly listen?: string | undefined;
}

const INTERVAL = 300;

/** Looks at labels, as their owner or as a contact, and says what must not be. */
export async function watch(context: Context, labels: readonly string[], flags: WatchFlags): Promise<Report> {
  if (new Set(labels).size !== labels.length) throw new Failure("usage", "A label is named twice.");
  const acceptGaps = flags.acceptGaps === true;
  if (acceptGaps && (flags.own === undefined || flags.daemon === true))
    throw new Failure("usage", "--accept-gaps is for one look of an owner: with --own, without --daemon.");
  const own = flags.own === undefined ? undefined : await readOwnList(context, flags.own);
  const notifier = await Notifier.open(context, flags);
  const session = await openSession(context, flags);
  const watched: Watched = { session, labels, own, acceptGaps, flags };
  if (flags.daemon === true) return runDaemon(context, watched, notifier, flags);
  return roundReport(context, watched, await watchOnce(context, watched, notifier));
}

function roundReport(context: Context, { labels, own, session }: Watched, round: Round): Report {
  return {
    exit: exitOf(round.alerts),
    data: {
      log: session.pin.name,
      role: own === undefined ? "contact" : "owner",
      labels: labels.map((label) => {
        const look = round.looks.get(label);
        if (look === undefined) return { label, verified: false };
        const { version, treeSize, timestamp } = look.greatest.result;
        return {
          label,
          verified: true,
          version,
          newVersions: look.versions.length,
          treeSize,
          timestamp,
          ...(own !== undefined && {
            monitored: look.shortfall === undefined,
            ownedFrom: look.ownedFrom,
            unread: look.unread.map((each) => each.version),
            ...(look.skipped && { skipped: look.skipped }),
          }),
        };
      }),
      alerts: round.alerts,
      fresh: round.fresh.map(({ id }) => id),
      undelivered: round.undelivered,
    },
    print(paper) {
      for (const [label, { greatest, versions, before, skipped }] of round.looks) {
        const { version, timestamp } = greatest.result;
        paper.inked(["title", label], `  version ${version}, verified at ${timeText(timestamp)}`);
        let previous = before?.list;
        for (const found of versions) {
          if ("erased" in found) paper.line(`  version ${found.version}: not shown (${found.reason})`);
          else if (found.value.kind === "device-list") {
            paper.paragraph(
              changesOf(found.value.list, previous).join("; ") || "first look",
              "    ",
              `  version ${found.result.version}: `,
            );
            previous = found.value.list;
          }
        }
        if (versions.length === 0) paper.line("  nothing new", "dim");
        if (skipped !== undefined)
          paper.line(`  Owned anew: entries between ${skipped.from} and ${skipped.to} were not inspected.`, "warn");
      }
      for (const alert of round.alerts) printAlert(paper, alert);
      if (round.alerts.length === 0) paper.line("Nothing is wrong.", "good");
      if (round.undelivered > 0)
        paper.line(`${round.undelivered} alerts could not be delivered; the next run tries again.`, "warn");
    },
  };
}

function printAlert(paper: Paper, { kind, label, detail, evidence }: Alert): void {
  const loud = exitOf([{ kind } as Alert]) !== EXIT.unreachable;
  paper.inked([loud ? "bad" : "warn", `ALERT ${kind}`], label === undefined ? "" : `  ${label}`);
  paper.paragraph(detail, "  ");
  if (evidence !== undefined) paper.evidence(evidence);
}

/** Looks again and again until a signal ends it; the exit code is that of the last look. */
async function runDaemon(context: Context, watched: Watched, notifier: Notifier, flags: WatchFlags): Promise<Report> {
  const interval = (flags.interval ?? INTERVAL) * 1000;
  const record = new DaemonRecord(context, 3 * interval + 60_000);
  const served = flags.listen === undefined ? undefined : await serveRecord(record, flags.listen);
  const paper = new Paper(context.stdout, context.environment);
  const say = (event: Record<string, unknown>, text: string): void => {
    if (flags.json === true) context.stdout.write(`${JSON.stringify(event)}\n`);
    else paper.line(text);
  };
  say(
    { event: "started", labels: watched.labels, ...(served && { listen: served.address }) },
    `Watching ${watched.labels.length} labels of ${watched.session.pin.name}${served === undefined ? "" : `; metrics and health on ${served.address}`}.`,
  );
  let exit: ExitCode = EXIT.fine;
  let rounds = 0;
  try {
    while (!context.signal.aborted) {
      const round = await watchOnce(context, watched, notifier);
      if (context.signal.aborted) break;
      record.note(round);
      rounds++;
      exit = exitOf(round.alerts);
      for (const alert of round.fresh)
        if (flags.json === true) context.stdout.write(`${JSON.stringify({ event: "alert", ...alert })}\n`);
        else printAlert(paper, alert);
      await context.sleep(interval, context.signal);
    }
  } finally {
    served?.server.closeAllConnections();
    served?.server.close();
  }
  return {
    exit,
    data: { event: "stopped", rounds },
    print: (end) => end.line(`Stopped after ${rounds} looks.`),
  };
}
