import type { AuditorTreeHead } from "@mls-as/keytrans";
import type { ClientState } from "@mls-as/keytrans/client";
import { asking, unexpectedKey } from "../asking.js";
import { hex } from "../bytes-text.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-code.js";
import { type LogFlags, openSession, type Session } from "../pin.js";
import type { Report } from "../report.js";
import { countText, durationText, timeText } from "../terminal/time-text.js";
import { readCheckpoint, type WitnessState } from "../witness/checkpoint-state.js";

export interface StatusFlags extends LogFlags {
  readonly witnessPolicy?: string | undefined;
}

/** Size, age, signatures and growth of a pinned log, all verified. */
export async function status(context: Context, flags: StatusFlags): Promise<Report> {
  const session = await openSession(context, flags);
  const changed = await unexpectedKey(context, session);
  if (changed !== undefined) throw changed;
  const before = (await session.client.state()).view;
  await asking(context, session, () => session.client.distinguished());
  const state = await session.client.state();
  const { view } = state;
  if (view === undefined) throw new Error("a verified walk leaves a view");
  const witness = await readCheckpoint(context, session, state.distinguished, flags.witnessPolicy);
  const last = view.frontier.at(-1) as { timestamp: number };
  const now = context.clock();
  const { treeSize } = view.treeHead;
  const perDay = growth(state);
  const lag = view.auditorTreeHead && last.timestamp - view.auditorTreeHead.timestamp;
  const since = before === undefined ? undefined : treeSize - before.treeHead.treeSize;
  return {
    exit: witness?.fault === undefined ? EXIT.fine : EXIT.unreachable,
    data: {
      name: session.pin.name,
      url: session.connection.url,
      logId: hex(session.pin.logId),
      treeSize,
      root: hex(view.root),
      headTimestamp: last.timestamp,
      headAge: now - last.timestamp,
      signature: "good",
      newEntries: since ?? null,
      entriesPerDay: perDay ?? null,
      auditor: auditorData(session, view.auditorTreeHead, lag),
      witness: witness ?? null,
    },
    print(paper) {
      paper.inked(["title", session.pin.name], `  ${session.connection.url}`);
      paper.facts([
        [
          "size",
          `${countText(treeSize)} entries${since === undefined ? "" : `, ${countText(since)} since you last looked`}`,
        ],
        ["head", `${timeText(last.timestamp)}, ${durationText(now - last.timestamp)} old`],
        ["root", hex(view.root)],
        ["signature", "good, by the pinned key; extends everything seen before"],
        ["auditor", auditorText(session, view.auditorTreeHead, lag)],
        ["witnesses", witnessText(witness)],
        ["growth", perDay === undefined ? "not known yet" : `${countText(Math.round(perDay))} entries a day`],
        ["log id", hex(session.pin.logId)],
      ]);
    },
  };
}

/** Entries a day between the outermost known distinguished entries. */
function growth({ distinguished, view }: ClientState): number | undefined {
  const first = distinguished[0];
  const last = view?.frontier.at(-1);
  if (first === undefined || last === undefined || last.timestamp - first.timestamp < 60_000) return undefined;
  return ((last.position - first.position) * 86_400_000) / (last.timestamp - first.timestamp);
}

function auditorData({ connection }: Session, head: AuditorTreeHead | undefined, lag: number | undefined): unknown {
  if (connection.configuration.mode !== "thirdPartyAuditing") return null;
  return head === undefined ? { signed: false } : { signed: true, treeSize: head.treeSize, lag };
}

function auditorText({ connection }: Session, head: AuditorTreeHead | undefined, lag: number | undefined): string {
  if (connection.configuration.mode !== "thirdPartyAuditing") return "none in this log's configuration";
  if (head === undefined || lag === undefined) return "has signed nothing that was shown";
  return `signed ${countText(head.treeSize)} entries, ${durationText(lag)} behind the head (at most ${durationText(Number(connection.configuration.maxAuditorLag))})`;
}

function witnessText(witness: WitnessState | undefined): string {
  if (witness === undefined) return "none: the log publishes no checkpoint";
  const { cosignatures, treeSize, fault } = witness;
  const text = `checkpoint of ${countText(treeSize)} entries, ${cosignatures} cosignature${cosignatures === 1 ? "" : "s"}`;
  if (fault !== undefined) return `${text}; ${fault}`;
  return witness.quorum === true
    ? `${text}; the quorum of your policy is met`
    : `${text}, not checked (--witness-policy)`;
}
