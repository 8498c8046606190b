import { type ClientState, INITIAL_STATE } from "@mls-as/keytrans/client";
import type { Exchange } from "@mls-as/kt-client";
import { asking } from "../asking.js";
import { hex, labelBytes, shortHex, toBase64Url } from "../bytes-text.js";
import type { Context } from "../context.js";
import { changesOf, keysOf, originText, type Predecessor, readValue } from "../device-list-view.js";
import { EXIT } from "../exit-code.js";
import { writeJson } from "../json-file.js";
import { holdAgainst, knownVersion } from "../label-memory.js";
import { type LogFlags, openSession, type Session } from "../pin.js";
import { writeProofs } from "../proof-file.js";
import type { Report } from "../report.js";
import type { Paper } from "../terminal/paper.js";
import { table } from "../terminal/table.js";
import {
  type ErasedVersion,
  erasure,
  followedBy,
  type FoundVersion,
  searchOne,
  versionOrErased,
} from "../label-versions.js";
import { ownListJson } from "../watch/own-devices-file.js";
import { dayText, durationText, timeText } from "../terminal/time-text.js";

export interface SearchFlags extends LogFlags {
  readonly version?: number | undefined;
  readonly history?: boolean | undefined;
  readonly save?: string | undefined;
  /** Writes the proven active keys as a list for `kt watch --own`. */
  readonly writeOwn?: string | undefined;
}

/** Proves and prints the device list of a label. */
export async function search(context: Context, label: string, flags: SearchFlags): Promise<Report> {
  const session = await openSession(context, flags);
  const bytes = labelBytes(label);
  const known = flags.version === undefined ? await knownVersion(context, session, bytes) : undefined;
  const found = await asking(context, session, () =>
    session.client.transact(async (state) => {
      const one = await searchOne(session, state, bytes, flags.version);
      if (flags.version === undefined) await holdAgainst(context, session, bytes, known, one.found);
      const history =
        flags.history === true
          ? await earlier(session, one.state, bytes, one.found)
          : { state: one.state, versions: [] };
      return { state: history.state, result: { main: one.found, history: history.versions } };
    }),
  );
  if (flags.save !== undefined) await saveProofs(context, session, bytes, found.main, flags);
  const { value } = found.main;
  if (flags.writeOwn !== undefined && value.kind === "device-list")
    await writeJson(flags.writeOwn, ownListJson(keysOf(value.list, context.clock())));
  return searchReport(context, label, found.main, found.history, flags);
}

/**
 * Saves proofs that stand alone: made as by someone without a past, so that the log's signature is over everything in
 * them.
 */
async function saveProofs(
  context: Context,
  session: Session,
  label: Uint8Array,
  main: FoundVersion,
  { save, version, history }: SearchFlags,
): Promise<void> {
  const wanted: (number | undefined)[] =
    history === true ? Array.from({ length: main.result.version }, (_, i) => i) : [];
  const exchanges: Exchange[] = [];
  for (const each of [...wanted, version]) {
    const answer = await asking(context, session, () =>
      session.connection.search(INITIAL_STATE, { label, version: each }).catch((error: unknown) => {
        if (erasure(error) === undefined) throw error;
        return undefined;
      }),
    );
    if (answer !== undefined) exchanges.push(answer.exchange);
  }
  await writeProofs(save as string, session.pin.logId, exchanges);
}

/** Every version up to the one found, the last included, each held against the one before. */
async function earlier(
  session: Session,
  start: ClientState,
  label: Uint8Array,
  last: FoundVersion,
): Promise<{ state: ClientState; versions: (FoundVersion | ErasedVersion)[] }> {
  const versions: (FoundVersion | ErasedVersion)[] = [];
  let state = start;
  let previous: Predecessor | undefined;
  for (let version = 0; version < last.result.version; version++) {
    const next = await versionOrErased(session, state, label, version, previous);
    versions.push(next.found);
    ({ state } = next);
    previous = followedBy(previous, next.found);
  }
  const { result, exchange } = last;
  const value = await readValue(result.value, label, result.version, session.pin.logId, result.timestamp, previous);
  return { state, versions: [...versions, { result, exchange, value }] };
}

function searchReport(
  context: Context,
  label: string,
  main: FoundVersion,
  history: readonly (FoundVersion | ErasedVersion)[],
  flags: SearchFlags,
): Report {
  return {
    exit: EXIT.fine,
    data: {
      label,
      ...versionData(main, context.clock()),
      ...(flags.history === true && {
        history: history.map((each) => ("erased" in each ? each : versionData(each, context.clock()))),
      }),
      ...(flags.save !== undefined && { saved: flags.save }),
    },
    print(paper) {
      printVersion(paper, context, label, main, flags.version === undefined);
      if (flags.history === true) printHistory(paper, history);
      if (flags.save !== undefined) {
        paper.line();
        paper.line(`Proof saved: ${flags.save}   (kt verify ${flags.save})`);
      }
    },
  };
}

/** A proven version for programs. Times in milliseconds where the log says them, in seconds in lists. */
export function versionData({ result, value }: FoundVersion, now: number): Record<string, unknown> {
  return {
    version: result.version,
    position: result.position,
    treeSize: result.treeSize,
    root: hex(result.root),
    timestamp: result.timestamp,
    valueHash: hex(value.hash),
    ...(value.kind === "device-list"
      ? { origin: value.list.origin, keys: keysOf(value.list, now) }
      : { value: toBase64Url(value.value) }),
  };
}

/** A proven version for people. */
export function printVersion(
  paper: Paper,
  context: Pick<Context, "clock">,
  label: string,
  { result, value }: FoundVersion,
  greatest: boolean,
): void {
  const now = context.clock();
  paper.inked(["title", label], `  version ${result.version}${greatest ? ", the greatest" : ""}`);
  paper.inked(
    ["good", "proven"],
    ` in a log of ${result.treeSize} entries, head of ${timeText(result.timestamp)} (${durationText(now - result.timestamp)} ago), root ${shortHex(result.root)}`,
  );
  if (value.kind === "other") {
    paper.line(`The value is no device list: ${value.value.length} octets, SHA-256 ${hex(value.hash)}`);
    return;
  }
  paper.line(`Came about: ${originText(value.list)} (the operator's word)`);
  paper.line();
  const rows = keysOf(value.list, now).map((key) => [
    key.device,
    `${key.key.slice(0, 8)} ${key.key.slice(8, 16)}`,
    dayText(key.since),
    key.status === "revoked"
      ? `revoked ${dayText(key.revokedAt ?? 0)}`
      : key.status === "active"
        ? `active until ${dayText(key.until)}`
        : key.status,
    key.approvedBy,
  ]);
  if (rows.length === 0) paper.line("No device.");
  else
    table(
      paper,
      [
        { title: "DEVICE", least: 10 },
        { title: "KEY", least: 8 },
        { title: "SINCE", least: 10 },
        { title: "STATUS", least: 14 },
        { title: "APPROVED BY", least: 10 },
      ],
      rows,
    );
}

function printHistory(paper: Paper, history: readonly (FoundVersion | ErasedVersion)[]): void {
  paper.line();
  paper.line("History", "bold");
  let previous: Predecessor | undefined;
  const rows = history.map((each) => {
    const before = previous;
    previous = followedBy(previous, each);
    if ("erased" in each) return [String(each.version), "erased by the operator", each.reason];
    if (each.value.kind === "other") return [String(each.result.version), "", `${each.value.value.length} octets`];
    return [
      String(each.result.version),
      originText(each.value.list),
      changesOf(each.value.list, before?.list).join("; "),
    ];
  });
  table(
    paper,
    [
      { title: "VERSION", right: true },
      { title: "ORIGIN", least: 16 },
      { title: "WHAT CHANGED", least: 20 },
    ],
    rows,
  );
}
