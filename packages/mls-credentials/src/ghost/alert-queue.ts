import { type Codec, CodecError, decode, encode, enumeration, struct, uint16, uint8 } from "@mls-as/tls-codec";
import type { Finding, Severity } from "./finding.js";
import { FindingsCodec } from "./finding-codec.js";
import { GhostStateError } from "./ghost-state-error.js";
import { mapOf, real, text } from "./state-fields.js";

/** When people are told. Seconds. */
export interface AlertSchedule {
  /** How long changes about a user are collected after the first. */
  readonly quietPeriod: number;
  /** After how long an unacknowledged critical finding is told again; each time twice as long. */
  readonly reminder: number;
}

export const DEFAULT_ALERT_SCHEDULE: AlertSchedule = { quietPeriod: 3600, reminder: 86_400 };

/** One notification: everything there is to say about one user now. */
export interface Alert {
  readonly at: number;
  readonly user: string;
  /** The gravest of the findings. */
  readonly severity: Severity;
  /** `news`, something got worse since people were told (`escalation`), or nobody has reacted (`reminder`). */
  readonly occasion: "news" | "escalation" | "reminder";
  /** Gravest first. Findings that ended before anybody was told are not among them. */
  readonly findings: readonly Finding[];
}

type Level = "suspect" | "confirmed";

interface Told {
  readonly level: Level;
  readonly at: number;
  readonly reminders: number;
}

const SEVERITIES: readonly Severity[] = ["critical", "serious", "notice"];

/**
 * Turns the detector's changes into notifications over time: nothing for what is pending, one alert a change, everything
 * about a user in one alert after a quiet period. Only a critical confirmation does not wait for it.
 *
 * Feed it every observation's findings, and ask `due` when `nextDue` has come. Time comes from the caller, in seconds.
 */
export class AlertQueue {
  readonly #schedule: AlertSchedule;
  /** The newest state of findings that people should know of, by id. */
  readonly #open = new Map<string, Finding>();
  readonly #told = new Map<string, Told>();
  /** When the waiting findings of a user are due. */
  readonly #due = new Map<string, number>();

  constructor(schedule: AlertSchedule = DEFAULT_ALERT_SCHEDULE) {
    this.#schedule = schedule;
  }

  /** Takes changed findings and returns what is to be told at once. */
  offer(findings: readonly Finding[], now: number): Alert[] {
    for (const finding of findings) {
      const level = levelOf(finding);
      if (level === undefined) {
        this.#open.delete(finding.id);
        // Put right or seen: should it return, it is news again. A pending state only keeps what was told.
        if (finding.life !== "pending") this.#told.delete(finding.id);
        continue;
      }
      this.#open.set(finding.id, finding);
      if (!this.#isNews(finding)) continue;
      const urgent = finding.severity === "critical" && level === "confirmed";
      const due = urgent ? now : now + this.#schedule.quietPeriod;
      this.#due.set(finding.user, Math.min(due, this.#due.get(finding.user) ?? due));
    }
    return this.due(now);
  }

  /** What has become due, reminders included. */
  due(now: number): Alert[] {
    const alerts: Alert[] = [];
    for (const [user, due] of this.#due) {
      if (due > now) continue;
      this.#due.delete(user);
      const news = this.#of(user).filter((finding) => this.#isNews(finding));
      if (news.length === 0) continue;
      const escalated = news.some(({ id }) => this.#told.has(id));
      alerts.push(this.#tell(user, news, now, escalated ? "escalation" : "news"));
    }
    for (const [user, findings] of this.#overdue(now)) alerts.push(this.#tell(user, findings, now, "reminder"));
    return alerts;
  }

  /** When `due` next has something to say, if nothing else happens. */
  nextDue(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const due of this.#due.values()) next = Math.min(next, due);
    for (const finding of this.#open.values()) next = Math.min(next, this.#reminderOf(finding));
    return Number.isFinite(next) ? next : undefined;
  }

  /** Everything to be kept over restarts. */
  snapshot(): Uint8Array {
    return encode(Stored, { format: FORMAT, open: [...this.#open.values()], told: this.#told, due: this.#due });
  }

  /** @throws GhostStateError */
  static restore(snapshot: Uint8Array, schedule: AlertSchedule = DEFAULT_ALERT_SCHEDULE): AlertQueue {
    const queue = new AlertQueue(schedule);
    try {
      const { format, open, told, due } = decode(Stored, snapshot);
      if (format !== FORMAT) throw new GhostStateError("unknown-format", "format", `format ${format}`);
      for (const finding of open) queue.#open.set(finding.id, finding);
      for (const [id, each] of told) queue.#told.set(id, each);
      for (const [user, at] of due) queue.#due.set(user, at);
    } catch (error) {
      if (error instanceof CodecError) throw new GhostStateError("malformed-state", error.path, error.reason, error);
      throw error;
    }
    return queue;
  }

  #of(user: string): Finding[] {
    return [...this.#open.values()].filter((finding) => finding.user === user);
  }

  /** Not told yet, or told when it was only suspected. */
  #isNews(finding: Finding): boolean {
    const told = this.#told.get(finding.id);
    return told === undefined || (told.level === "suspect" && levelOf(finding) === "confirmed");
  }

  #tell(user: string, findings: Finding[], now: number, occasion: Alert["occasion"]): Alert {
    for (const finding of findings) {
      const before = this.#told.get(finding.id);
      const reminders = occasion === "reminder" ? (before?.reminders ?? 0) + 1 : 0;
      this.#told.set(finding.id, { level: levelOf(finding) as Level, at: now, reminders });
    }
    const sorted = [...findings].sort((a, b) => gravity(a) - gravity(b) || a.since - b.since);
    return { at: now, user, severity: (sorted[0] as Finding).severity, occasion, findings: sorted };
  }

  #overdue(now: number): Map<string, Finding[]> {
    const overdue = new Map<string, Finding[]>();
    for (const finding of this.#open.values())
      if (this.#reminderOf(finding) <= now) overdue.set(finding.user, [...(overdue.get(finding.user) ?? []), finding]);
    return overdue;
  }

  #reminderOf({ id, severity }: Finding): number {
    const told = this.#told.get(id);
    if (told === undefined || severity !== "critical") return Number.POSITIVE_INFINITY;
    return told.at + this.#schedule.reminder * 2 ** told.reminders;
  }
}

function levelOf({ life }: Finding): Level | undefined {
  return life === "suspect" || life === "confirmed" ? life : undefined;
}

const gravity = ({ severity, life }: Finding): number =>
  2 * SEVERITIES.indexOf(severity) + (life === "confirmed" ? 0 : 1);

const FORMAT = 3;
const ToldCodec: Codec<Told> = struct({
  level: enumeration(uint8, { suspect: 2, confirmed: 3 }),
  at: real,
  reminders: real,
});
const Stored = struct({
  format: uint16,
  open: FindingsCodec,
  told: mapOf(text, ToldCodec),
  due: mapOf(text, real),
});
