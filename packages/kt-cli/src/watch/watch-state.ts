import { Failure } from "../failure.js";
import type { Context } from "../context.js";
import { readJson, writeJson } from "../json-file.js";
import { logFile, type Pin } from "../pin.js";
import type { Alert } from "./alert.js";

/** What a watch remembers of a label besides the protocol's state. */
export interface WatchedLabel {
  /** Greatest version that was read. */
  readonly version: number;
  /** The encoded value of that version, base64url. */
  readonly value: string;
  /** Earlier versions that the owner could not read, to be asked for again. */
  readonly unread?: readonly UnreadVersion[];
}

/** A version that the log did not show its owner. */
export interface UnreadVersion {
  readonly version: number;
  /** What its hash must be, by the version after it, base64url; absent where that could not be read either. */
  readonly hash?: string;
}

export interface Delivery {
  readonly channel: "webhook" | "exec" | "mail";
  readonly alert: Alert;
}

export interface WatchState {
  /** End of the last run that verified everything, milliseconds. */
  readonly lastRun: number | undefined;
  readonly labels: Readonly<Record<string, WatchedLabel>>;
  /** Ids of alerts that were given and may come again. */
  readonly told: readonly string[];
  /** Alerts that could not be delivered yet. */
  readonly pending: readonly Delivery[];
}

const EMPTY: WatchState = { lastRun: undefined, labels: {}, told: [], pending: [] };
const FORMAT = "kt-watch/1";

/** @throws Failure file-malformed */
export async function readWatchState(context: Context, pin: Pin): Promise<WatchState> {
  const path = logFile(context, pin, "watch.json");
  try {
    const value = (await readJson(context, path)) as (WatchState & { format: string }) | null;
    if (value?.format !== FORMAT) throw new Failure("file-malformed", `${path} is not a watch's state`, { path });
    const { lastRun, labels, told, pending } = value;
    return { lastRun, labels, told, pending };
  } catch (error) {
    if (error instanceof Failure && error.code === "file-unreadable") return EMPTY;
    throw error;
  }
}

export async function writeWatchState(context: Context, pin: Pin, state: WatchState): Promise<void> {
  await writeJson(logFile(context, pin, "watch.json"), { format: FORMAT, ...state });
}
