import { changesOf, type KeyView, keysOf, type Predecessor } from "../device-list-view.js";
import { type ErasedVersion, type FoundVersion, followedBy } from "../label-versions.js";
import type { Alert, AlertKind } from "./alert.js";
import type { LabelLook } from "./label-watch.js";
import type { OwnList } from "./own-devices-file.js";

interface Subject {
  readonly log: string;
  readonly label: string;
  readonly now: number;
}

/** What is wrong with the versions of a label. */
export function findingsOf(subject: Subject, look: LabelLook, own: OwnList | undefined): Alert[] {
  return own === undefined ? contactFindings(subject, look) : ownerFindings(subject, look, own);
}

function alert({ log, label, now }: Subject, kind: AlertKind, version: number, detail: string, key?: KeyView): Alert {
  const id = [kind, label, key?.client ?? "", key?.key ?? "", key === undefined ? version : ""].join("|");
  return { id, kind, log, label, version, client: key?.client, key: key?.key, detail, at: now };
}

/** Anything, in any version, that is not in the owner's list. */
function ownerFindings(subject: Subject, look: LabelLook, own: OwnList): Alert[] {
  const { versions, greatest } = look;
  const said = [...withheld(subject, look), ...revocations(subject, look, own)];
  const alerts = new Map<string, Alert>(said.map((each) => [each.id, each]));
  const now = new Set(keysIn(greatest, subject.now).map(({ client, key }) => `${client} ${key}`));
  // The greatest version is judged at every look, so that what must not be there is said as long as it is there.
  for (const found of [...versions, greatest])
    for (const key of keysIn(found, subject.now)) {
      const version = "erased" in found ? found.version : found.result.version;
      const finding = judgeKey(subject, own, version, key, now.has(`${key.client} ${key.key}`));
      if (finding !== undefined && !alerts.has(finding.id)) alerts.set(finding.id, finding);
    }
  return [...alerts.values()];
}

const keysIn = (found: FoundVersion | ErasedVersion, now: number): KeyView[] => {
  const list = listOf(found);
  return list === undefined ? [] : keysOf(list.list, now);
};

function judgeKey(subject: Subject, own: OwnList, version: number, key: KeyView, there: boolean): Alert | undefined {
  const keys = own.devices.get(key.client);
  const where = `version ${version}; ${there ? "it is there now" : "it is gone from the newest version"}`;
  const what = `key ${key.key.slice(0, 16)}…, approved by ${key.approvedBy}, ${key.status} (${where})`;
  if (!own.devices.has(key.client))
    return alert(subject, "unknown-device", version, `${key.client} is not in your list: ${what}`, key);
  if (keys !== undefined && !keys.has(key.key))
    return alert(subject, "unknown-key", version, `${key.client} has a key that is not in your list: ${what}`, key);
  return undefined;
}

/** Versions that nobody can judge, and distinguished entries that nobody inspected. */
function withheld(subject: Subject, { unread, shortfall }: LabelLook): Alert[] {
  const alerts = unread.map(({ version, reason }) =>
    alert(
      subject,
      "version-withheld",
      version,
      `version ${version} of your label cannot be read: the log says ${reason}. Nothing proves that, and whatever stood in it, a device that is not yours too, is hidden from you. It is asked for again at each look; if you had it erased, say --accept-gaps once`,
    ),
  );
  if (shortfall === undefined) return alerts;
  const { log, label, now } = subject;
  const detail = `your label is not monitored right of entry ${shortfall.start}: ${shortfall.why}. Until this succeeds, a version that only others were shown may go unnoticed; if you know why, --accept-gaps takes ownership anew from where the log is now`;
  return [...alerts, { id: `not-monitored|${label}`, kind: "not-monitored", log, label, detail, at: now }];
}

/** Listed keys that were active and are revoked in a version since the last look. */
function revocations(subject: Subject, { versions, before }: LabelLook, own: OwnList): Alert[] {
  const alerts: Alert[] = [];
  // A first look reads the whole history: what was revoked then is no news.
  if (before === undefined) return alerts;
  let active = new Set(activeKeys(before, subject.now));
  for (const found of versions) {
    const list = listOf(found);
    if (list === undefined) continue;
    for (const key of keysOf(list.list, subject.now))
      if (key.status === "revoked" && active.has(key.key) && own.devices.has(key.client))
        alerts.push(
          alert(
            subject,
            "own-key-revoked",
            list.list.version,
            `key ${key.key.slice(0, 16)}… of ${key.client} was revoked`,
            key,
          ),
        );
    active = new Set(activeKeys(list, subject.now));
  }
  return alerts;
}

const activeKeys = ({ list }: Predecessor, now: number): string[] =>
  keysOf(list, now).flatMap(({ key, status }) => (status === "active" ? [key] : []));

/** New keys that no device of the contact vouches for. */
function contactFindings(subject: Subject, { versions, before }: LabelLook): Alert[] {
  const alerts: Alert[] = [];
  let previous: Predecessor | undefined = before;
  for (const found of versions) {
    const list = listOf(found);
    if (list !== undefined && previous !== undefined)
      for (const change of changesOf(list.list, previous.list))
        if (change.startsWith("IDENTITY CHANGED"))
          alerts.push(alert(subject, "identity-changed", list.list.version, change));
    previous = followedBy(previous, found);
  }
  return alerts;
}

function listOf(found: FoundVersion | ErasedVersion): Predecessor | undefined {
  if ("erased" in found || found.value.kind !== "device-list") return undefined;
  return { list: found.value.list, hash: found.value.hash };
}
