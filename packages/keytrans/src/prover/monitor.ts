import { encode } from "@mls-as/tls-codec";
import { contactMonitor, ownerMonitor } from "../algorithms/index.js";
import { directPath } from "../search-tree.js";
import { ContactMonitorRequest, type MonitorMapEntry, OwnerMonitorRequest } from "../structs/index.js";
import { Answer, answering, decodeRequest, type ProverSetting } from "./answer.js";
import { ProverError } from "./errors.js";
import { greatestVersionOf } from "./search.js";

const CONTACT = "Contact Monitor";
const OWNER = "Owner Monitoring";

/** Answers a `ContactMonitorRequest`. @throws ProverError */
export async function answerContactMonitor(setting: ProverSetting, bytes: Uint8Array): Promise<Uint8Array> {
  const { last, label, entries } = decodeRequest(ContactMonitorRequest, CONTACT, bytes);
  const answer = await Answer.open(setting, last, label);
  await greatestVersionOf(answer, CONTACT);
  await checkEntries(setting, answer, label, entries, CONTACT);
  return answering(async () => {
    await contactMonitor(answer.view, entries, undefined);
    return encode(setting.wire.MonitorResponse, { fullTreeHead: answer.fullTreeHead, monitor: await answer.proof() });
  });
}

/** Answers an `OwnerMonitorRequest`; the label need not exist yet. @throws ProverError */
export async function answerOwnerMonitor(setting: ProverSetting, bytes: Uint8Array): Promise<Uint8Array> {
  const { last, label, entries, start, greatestVersion } = decodeRequest(OwnerMonitorRequest, OWNER, bytes);
  const answer = await Answer.open(setting, last, label);
  await checkEntries(setting, answer, label, entries, OWNER);
  if (start >= answer.view.size) throw new ProverError("invalid-start", "it lies beyond the log", OWNER, "start");
  const advertised = greatestVersion ?? -1;
  const current = (await answer.recorded.greatestAt(answer.view.size - 1)) ?? -1;
  const atStart = (await answer.recorded.greatestAt(start)) ?? -1;
  if (advertised > current || advertised < atStart)
    throw new ProverError("stale-version", "not a version the owner can know", OWNER, "greatestVersion");
  return answering(async () => {
    await contactMonitor(answer.view, entries, start);
    await ownerMonitor(answer.view, start, async (position) => {
      const version = Math.min((await answer.recorded.greatestAt(position)) ?? -1, advertised);
      return version < 0 ? undefined : version;
    });
    return encode(setting.wire.MonitorResponse, { fullTreeHead: answer.fullTreeHead, monitor: await answer.proof() });
  });
}

async function checkEntries(
  setting: ProverSetting,
  answer: Answer,
  label: Uint8Array,
  entries: readonly MonitorMapEntry[],
  section: string,
): Promise<void> {
  const refuse = (i: number, why: string) => new ProverError("invalid-entries", why, section, `entries[${i}]`);
  const seen = new Set<number>();
  const rows = await setting.store.versions(
    label,
    entries.map(({ version }) => version),
  );
  entries.forEach(({ position, version }, i) => {
    if (i > 0 && position <= (entries[i - 1] as MonitorMapEntry).position)
      throw refuse(i, "positions must be ascending");
    if (seen.has(version)) throw refuse(i, "a version is monitored twice");
    seen.add(version);
    const first = rows[i]?.position;
    if (first === undefined || first >= answer.view.size) throw refuse(i, "the version does not exist");
    if (position >= answer.view.size) throw refuse(i, "the position lies beyond the log");
    if (position !== first && !(position > first && directPath(first, answer.view.size).includes(position)))
      throw refuse(i, "the position is not on the version's monitoring path");
  });
}
