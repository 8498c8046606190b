import { LogClientError } from "@mls-as/kt-client";
import { asking } from "../asking.js";
import { labelBytes, toBase64Url } from "../bytes-text.js";
import type { Context } from "../context.js";
import { Failure, type FailureCode } from "../failure.js";
import { holdAgainst, knownVersion } from "../label-memory.js";
import type { Session } from "../pin.js";
import { saveBundle, type SharedFlags } from "../save-bundle.js";
import { durationText } from "../terminal/time-text.js";
import type { Alert, AlertKind } from "./alert.js";
import { findingsOf } from "./findings.js";
import { type LabelLook, lookAt, type Watcher } from "./label-watch.js";
import type { Notifier } from "./notify.js";
import type { OwnList } from "./own-devices-file.js";
import {
  readWatchState,
  type UnreadVersion,
  type WatchedLabel,
  type WatchState,
  writeWatchState,
} from "./watch-state.js";

export interface Watched {
  readonly session: Session;
  readonly labels: readonly string[];
  readonly own: OwnList | undefined;
  /** The owner knows of what the log withheld so far, and goes on without it. */
  readonly acceptGaps: boolean;
  readonly flags: SharedFlags;
}

/** One look at everything that is watched. */
export interface Round {
  /** Everything that is wrong now. */
  readonly alerts: readonly Alert[];
  /** Those that were not told before. */
  readonly fresh: readonly Alert[];
  readonly looks: ReadonlyMap<string, LabelLook>;
  readonly undelivered: number;
  /** Every label was read, and monitored as far as the log goes. */
  readonly whole: boolean;
}

const KINDS: Partial<Record<FailureCode, AlertKind>> = {
  misbehaviour: "misbehaviour",
  "value-rejected": "value-rejected",
  "unexpected-key": "unexpected-key",
  "fingerprint-mismatch": "unexpected-key",
  stale: "stale-head",
  unreachable: "unreachable",
  unverifiable: "unverifiable",
  refused: "refused",
};

/** Looks once, tells what is new, and keeps what was verified. @throws Failure for what is no finding */
export async function watchOnce(context: Context, watched: Watched, notifier: Notifier): Promise<Round> {
  const { session, labels, own, acceptGaps } = watched;
  const watcher: Watcher = own === undefined ? { owned: false } : { owned: true, acceptGaps };
  const before = await readWatchState(context, session.pin);
  const alerts: Alert[] = [];
  const looks = new Map<string, LabelLook>();
  const gap = missedWindow(context, watched, before);
  if (gap !== undefined) alerts.push(gap);
  let state = before;
  for (const label of labels) {
    try {
      const look = await lookOnce(context, session, label, before, watcher);
      looks.set(label, look);
      alerts.push(...findingsOf({ log: session.pin.name, label, now: context.clock() }, look, own));
      const { version } = look.greatest.result;
      const value = toBase64Url(look.greatest.result.value);
      const known: WatchedLabel = {
        version,
        value,
        ...(look.unread.length > 0 && { unread: look.unread.map(unread) }),
      };
      state = { ...state, labels: { ...state.labels, [label]: known } };
    } catch (error) {
      alerts.push(await alertOf(context, watched, label, error));
    }
  }
  const told = new Set(before.told);
  const fresh = alerts.filter(({ id }) => !told.has(id));
  const whole = looks.size === labels.length && [...looks.values()].every((look) => look.shortfall === undefined);
  // What was found is kept before it is told: told twice is better than never.
  const pending = [...before.pending, ...fresh.flatMap((alert) => notifier.deliveries(alert))];
  const next: WatchState = {
    ...state,
    lastRun: whole ? context.clock() : before.lastRun,
    told: alerts.map(({ id }) => id),
    pending,
  };
  await writeWatchState(context, session.pin, next);
  const undelivered = await notifier.deliver(pending);
  if (pending.length > 0) await writeWatchState(context, session.pin, { ...next, pending: undelivered });
  return { alerts, fresh, looks, undelivered: undelivered.length, whole };
}

const unread = ({ version, hash }: UnreadVersion): UnreadVersion => ({ version, ...(hash !== undefined && { hash }) });

async function lookOnce(
  context: Context,
  session: Session,
  label: string,
  before: WatchState,
  watcher: Watcher,
): Promise<LabelLook> {
  const bytes = labelBytes(label);
  const known = await knownVersion(context, session, bytes);
  return asking(context, session, () =>
    session.client.transact(async (state) => {
      const look = await lookAt(session, state, label, before.labels[label], watcher);
      await holdAgainst(context, session, bytes, known, look.greatest);
      return { result: look, state: look.state };
    }),
  );
}

/** A look that came too late, by the log's own configuration. */
function missedWindow(context: Context, { session, labels }: Watched, { lastRun }: WatchState): Alert | undefined {
  const window = Number(session.connection.configuration.reasonableMonitoringWindow);
  const now = context.clock();
  if (lastRun === undefined || now - lastRun <= window) return undefined;
  return {
    id: `missed-window|${lastRun}`,
    kind: "missed-window",
    log: session.pin.name,
    detail: `The last complete look was ${durationText(now - lastRun)} ago; this log asks for one every ${durationText(window)}. Versions in between are read now (${labels.length} labels), but what others were shown meanwhile may not be provable any more.`,
    at: now,
  };
}

async function alertOf(context: Context, { session, flags }: Watched, label: string, error: unknown): Promise<Alert> {
  const failure = error instanceof LogClientError ? new Failure("unreachable", error.message) : error;
  const kind = failure instanceof Failure ? KINDS[failure.code] : undefined;
  if (!(failure instanceof Failure) || kind === undefined) throw failure;
  const { bundle, reason } = failure.detail;
  const evidence = bundle && (await saveBundle(context, flags, bundle));
  return {
    id: [kind, label, reason ?? ""].join("|"),
    kind,
    log: session.pin.name,
    label,
    detail: failure.message,
    evidence,
    at: context.clock(),
  };
}
