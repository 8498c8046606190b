import { type Auditor, createAuditor } from "@mls-as/keytrans/auditor";
import { withLock } from "@mls-as/kt-client/node";
import { LogClientError } from "@mls-as/kt-client";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { plainFailure, unexpectedKey } from "../asking.js";
import { assertAuditor, type KeyFlags, openSigner, type OpenedSigner } from "../audit/auditor-key.js";
import { Auditing } from "../audit/auditing.js";
import { type AuditProgress, writeProgress } from "../audit/audit-state.js";
import { reachesStart, type StartFlags, startingPoint } from "../audit/starting-point.js";
import { updatePages } from "../audit/updates.js";
import { hex } from "../bytes-text.js";
import type { Context } from "../context.js";
import type { SignedRoot } from "../evidence/bundle-kinds.js";
import { EXIT } from "../exit-code.js";
import { Failure } from "../failure.js";
import { failpoint } from "../failpoint.js";
import { readGossip } from "../gossip/gossip-file.js";
import { connectPinned, logFile, type LogFlags, openSession, type Session } from "../pin.js";
import type { Report } from "../report.js";
import { Progress } from "../terminal/progress.js";
import { countText, timeText } from "../terminal/time-text.js";

export interface AuditFlags extends LogFlags, KeyFlags, StartFlags {
  readonly follow?: boolean | undefined;
  /** Seconds between two looks with `follow`. */
  readonly interval?: number | undefined;
  readonly post?: boolean | undefined;
  readonly compare?: readonly string[] | undefined;
}

interface Round {
  readonly progress: AuditProgress;
  readonly head: SignedRoot;
  readonly newEntries: number;
  readonly newChanges: number;
  readonly auditorHead: Uint8Array | undefined;
}

/** Follows every entry of an audited log, and signs what it verified. */
export async function audit(context: Context, flags: AuditFlags): Promise<Report> {
  const session = await openSession(context, flags);
  const { connection, pin } = session;
  if (connection.configuration.mode !== "thirdPartyAuditing")
    throw new Failure("no-auditor", `${pin.name} is not run with an auditor: it publishes no updates to follow.`, {
      remedy: "Watch labels instead: kt watch LABEL",
    });
  const opened = flags.sign === undefined ? undefined : await openSigner(context, flags.sign, flags);
  try {
    if (opened !== undefined) assertAuditor(connection, opened.signer);
    const path = logFile(context, pin, "audit.json");
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const auditor = createAuditor({ suite: connection.kt.setting.suite, configuration: connection.configuration });
    // Two rounds at once are one after the other; one that follows the log never ends.
    const patience = flags.follow === true ? 0 : undefined;
    return await withLock(`${path}.running`, () => rounds(context, session, auditor, opened, path, flags), patience);
  } catch (error) {
    if (!(error instanceof LogClientError)) throw error;
    throw plainFailure(error);
  } finally {
    await opened?.close();
  }
}

async function rounds(
  context: Context,
  session: Session,
  auditor: Auditor,
  opened: OpenedSigner | undefined,
  path: string,
  flags: AuditFlags,
): Promise<Report> {
  let progress = await startingPoint(context, session, auditor, path, flags);
  let last: Round | undefined;
  do {
    let round: Round;
    try {
      round = await auditOnce(context, session, auditor, progress, opened, path, flags);
    } catch (error) {
      // Told to end while it asked for news: everything up to the round before was audited, and posted.
      if (last !== undefined && error instanceof LogClientError && error.code === "aborted") break;
      throw error;
    }
    ({ progress } = round);
    const before = last ?? { newEntries: 0, newChanges: 0 };
    last = {
      ...round,
      newEntries: before.newEntries + round.newEntries,
      newChanges: before.newChanges + round.newChanges,
    };
    if (flags.follow === true) await context.sleep((flags.interval ?? 60) * 1000, context.signal);
  } while (flags.follow === true && !context.signal.aborted);
  return report(session, opened !== undefined, last);
}

/** Audits up to the newest signed head, signs and posts. @throws Failure; what was verified before is kept */
async function auditOnce(
  context: Context,
  session: Session,
  auditor: Auditor,
  progress: AuditProgress,
  opened: OpenedSigner | undefined,
  path: string,
  flags: AuditFlags,
): Promise<Round> {
  const { connection } = session;
  const head = await connection.treeHead();
  const { treeSize } = progress.state;
  if (head.treeSize < treeSize)
    throw new Failure(
      "stale",
      `The log serves a head of ${countText(head.treeSize)} entries; ${countText(treeSize)} were audited before.`,
      {
        reason: "invalid-tree-size",
        section: "Auditing",
        remedy:
          "The log went back, or an old answer was served. If it stays so, the log lost entries: keep the audit's folder.",
      },
    );
  const auditing = new Auditing(session, auditor, progress, await signedForOthers(context, session, flags));
  const told = new Progress(context, treeSize);
  try {
    for await (const page of updatePages(connection, treeSize, head.treeSize)) {
      if (page.length === 0) break;
      for (const update of page) {
        await auditing.step(update, head);
        failpoint(context, "audit-processed");
      }
      failpoint(context, "audit-saving");
      await writeProgress(path, auditing.progress);
      failpoint(context, "audit-saved");
      told.tell(auditing.progress.state.treeSize, head.treeSize, "audited");
      // What is left when every update was read takes no more than a moment.
      if (context.signal.aborted && auditing.progress.state.treeSize < head.treeSize)
        throw new Failure("unreachable", "Ended by a signal; the audit goes on from here next time.");
    }
  } finally {
    told.end();
  }
  if (auditing.progress.state.treeSize < head.treeSize)
    throw new Failure(
      "stale",
      `The log signs ${countText(head.treeSize)} entries and gives updates for ${countText(auditing.progress.state.treeSize)}.`,
      {
        section: "Auditing",
      },
    );
  const signedRoot = await confirmed(context, session, auditing, head);
  await writeProgress(path, auditing.progress);
  const auditorHead = await signAndPost(context, session, auditor, auditing, opened, path, flags);
  return {
    progress: auditing.progress,
    head: signedRoot,
    newEntries: auditing.progress.entries - progress.entries,
    newChanges: auditing.progress.changes - progress.changes,
    auditorHead,
  };
}

async function confirmed(
  context: Context,
  session: Session,
  auditing: Auditing,
  head: Parameters<Auditing["confirm"]>[0],
): Promise<SignedRoot> {
  try {
    return await auditing.confirm(head);
  } catch (error) {
    const changed =
      error instanceof Failure && error.detail.reason === "invalid-tree-head-signature"
        ? await unexpectedKey(context, session)
        : undefined;
    throw changed ?? error;
  }
}

/** Trees that the log signed for users: this user's own, and those in gossip files. */
async function signedForOthers(
  context: Context,
  session: Session,
  { compare = [] }: AuditFlags,
): Promise<SignedRoot[]> {
  const { view } = await session.client.state();
  const own = view && { treeSize: view.treeHead.treeSize, root: view.root, signature: view.treeHead.signature };
  const others: SignedRoot[] = [];
  for (const file of compare) others.push((await readGossip(context, file)).head);
  return own === undefined ? others : [own, ...others];
}

async function signAndPost(
  context: Context,
  { connection, pin }: Session,
  auditor: Auditor,
  auditing: Auditing,
  opened: OpenedSigner | undefined,
  path: string,
  flags: AuditFlags,
): Promise<Uint8Array | undefined> {
  const { state, posted } = auditing.progress;
  if (opened === undefined || !reachesStart(connection, state)) return undefined;
  const head = await auditor.sign(state, opened.signer);
  failpoint(context, "audit-signed");
  if (flags.post === false || posted >= state.treeSize) return head;
  // What is audited and signed is posted, also by a process that is told to end meanwhile.
  const uninterrupted = await connectPinned({ ...context, signal: new AbortController().signal }, pin, flags);
  await uninterrupted.postAuditorTreeHead(head);
  failpoint(context, "audit-posted");
  auditing.notePosted(state.treeSize);
  await writeProgress(path, auditing.progress);
  return head;
}

function report(
  { pin }: Session,
  signing: boolean,
  { progress, head, newEntries, newChanges, auditorHead }: Round,
): Report {
  const { state, entries, changes, posted } = progress;
  return {
    exit: EXIT.fine,
    data: {
      log: pin.name,
      treeSize: state.treeSize,
      root: hex(head.root),
      timestamp: state.timestamp,
      newEntries,
      newChanges,
      entries,
      changes,
      posted: posted === state.treeSize,
      ...(auditorHead && { auditorTreeHead: hex(auditorHead) }),
    },
    print(paper) {
      paper.line(
        `Audited ${countText(newEntries)} new entries with ${countText(newChanges)} changes: all follow the rules.`,
        "good",
      );
      paper.facts([
        ["tree", `${countText(state.treeSize)} entries, the newest of ${timeText(state.timestamp)}`],
        ["root", hex(head.root)],
        ["signature", "good: the log signed this very tree"],
        ["in all", `${countText(entries)} entries, ${countText(changes)} changes since the audit began`],
        [
          "auditor's head",
          auditorHead === undefined
            ? signing
              ? "not signed: the entry where the auditor begins is not there yet"
              : "not signed (--sign KEY)"
            : posted === state.treeSize
              ? "signed, and taken by the log"
              : "signed",
        ],
      ]);
    },
  };
}
