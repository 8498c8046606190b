import { encode } from "@mls-as/tls-codec";
import { updateLabel, updateVersions } from "../algorithms/index.js";
import { type LabelValue, type UpdateInfo, UpdateRequest, ZERO_HASH } from "../structs/index.js";
import { Answer, answering, decodeRequest, openedValue, type ProverSetting } from "./answer.js";
import { ProverError } from "./errors.js";
import { checkManagerUpdate } from "./management.js";
import type { LabelChange } from "./sequence.js";
import type { StoredVersion } from "./store.js";

const SECTION = "Updating a Label";
/** Most responses to one request that only informs of versions already created. */
const MAX_RESPONSES = 16;

/** What to do with an update request. */
export type UpdatePlan =
  /** The log already holds later versions: these responses tell of them, in order; the first is enough. */
  | { readonly kind: "answer"; readonly responses: readonly Uint8Array[] }
  /** Put this change into the next log entry; once persisted, answer the request. */
  | { readonly kind: "insert"; readonly change: LabelChange };

/** The part of `UpdateRequest` and `ManagerUpdateRequest` that decides what happens. */
export interface RequestedUpdate {
  readonly last: number | undefined;
  readonly label: Uint8Array;
  readonly greatestVersion: number | undefined;
}

/** Decides about an `UpdateRequest`. @throws ProverError stale-version, nothing-to-update, wrong-mode */
export async function planUpdate(setting: ProverSetting, bytes: Uint8Array): Promise<UpdatePlan> {
  const { last, label, greatestVersion, values } = decodeRequest(UpdateRequest, SECTION, bytes);
  const request = { last, label, greatestVersion };
  if (setting.configuration.mode === "thirdPartyManagement" && values.length > 0)
    throw new ProverError("wrong-mode", "a manager takes signed values only", "Management", "values");
  return planRequested(setting, request, { label, greatestVersion, values });
}

/** Decides about a `ManagerUpdateRequest`. @throws ProverError as {@link planUpdate}, and invalid-update-signature */
export async function planManagerUpdate(setting: ProverSetting, bytes: Uint8Array): Promise<UpdatePlan> {
  const request = await checkManagerUpdate(setting.suite, setting.configuration, bytes);
  const { label, greatestVersion, signedVersion } = request;
  const values = request.values.map(({ value, suffix }) => ({ value, suffix: suffix.signature }));
  return planRequested(setting, request, { label, greatestVersion, values, signedVersion });
}

async function planRequested(
  setting: ProverSetting,
  request: RequestedUpdate,
  change: LabelChange,
): Promise<UpdatePlan> {
  // What cannot be answered must not be created either.
  const { view } = await answering(() => Answer.open(setting, request.last, request.label));
  const treeSize = view.size;
  const [greatest] = await setting.store.greatestVersions(request.label, [treeSize - 1]);
  const advertised = request.greatestVersion ?? -1;
  if (advertised > (greatest ?? -1))
    throw new ProverError("stale-version", "the label has no such version", SECTION, "greatestVersion");
  if (advertised < (greatest ?? -1)) return { kind: "answer", responses: await inform(setting, request) };
  if (change.signedVersion !== undefined && change.values.length > 0 && change.signedVersion <= (greatest ?? -1))
    throw new ProverError("stale-version", "a version that exists is authorised again", "Management", "signedVersion");
  if (change.values.length === 0)
    throw new ProverError("nothing-to-update", "no new version exists and none is given", SECTION, "values");
  return { kind: "insert", change };
}

/** Tells of versions already created, one response for each log entry that created some. */
async function inform(setting: ProverSetting, request: RequestedUpdate): Promise<Uint8Array[]> {
  const responses: Uint8Array[] = [];
  let next: RequestedUpdate | undefined = request;
  while (next !== undefined && responses.length < MAX_RESPONSES) {
    const { response, following }: UpdateAnswer = await answerRequested(setting, next, false);
    responses.push(response);
    next = following;
  }
  return responses;
}

/** Answers an `UpdateRequest` or `ManagerUpdateRequest` whose values were created. @throws ProverError */
export async function answerUpdate(setting: ProverSetting, bytes: Uint8Array): Promise<Uint8Array> {
  const request = decodeRequest(UpdateRequest, SECTION, bytes);
  return (await answerRequested(setting, request, true)).response;
}

/** As {@link answerUpdate}, for a manager's request. */
export async function answerManagerUpdate(setting: ProverSetting, bytes: Uint8Array): Promise<Uint8Array> {
  const request = decodeRequest(setting.wire.ManagerUpdateRequest, "Management", bytes);
  return (await answerRequested(setting, request, true)).response;
}

interface UpdateAnswer {
  readonly response: Uint8Array;
  /** The request whose answer comes next in a series; undefined when nothing newer exists. */
  readonly following: RequestedUpdate | undefined;
}

async function answerRequested(
  setting: ProverSetting,
  { last: view, label, greatestVersion }: RequestedUpdate,
  created: boolean,
): Promise<UpdateAnswer> {
  const answer = await Answer.open(setting, view, label);
  const first = (greatestVersion ?? -1) + 1;
  const [row] = await setting.store.versions(label, [first]);
  if (row === undefined || row.position >= answer.view.size)
    throw new ProverError("stale-version", "no later version exists", SECTION, "greatestVersion");
  const { position } = row;
  const last = (await answer.recorded.greatestAt(position)) as number;
  const previous =
    greatestVersion === undefined ? undefined : (await setting.store.versions(label, [greatestVersion]))[0];
  await answering(() =>
    updateLabel(
      answer.view,
      {
        greatest: greatestVersion,
        lastPosition: previous?.position ?? -1,
        greatestAt: (at) => answer.recorded.greatestAt(at),
      },
      position,
      last,
    ),
  );
  const { skippedVersions, values, info } = await newVersions(setting, label, first, last);
  const managed = setting.configuration.mode === "thirdPartyManagement";
  const response = encode(setting.wire.UpdateResponse, {
    fullTreeHead: answer.fullTreeHead,
    position,
    ...(managed ? { skippedVersions } : {}),
    values: created ? [] : values,
    info,
    binaryLadder: await answer.ladder(setting, label, updateVersions(greatestVersion, last), () => false),
    update: await answer.proof(),
  });
  const greatest = (await answer.recorded.greatestAt(answer.view.size - 1)) as number;
  const following = greatest > last ? { last: answer.view.size, label, greatestVersion: last } : undefined;
  return { response, following };
}

async function newVersions(setting: ProverSetting, label: Uint8Array, first: number, last: number) {
  const versions = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const rows = (await setting.store.versions(label, versions)) as readonly StoredVersion[];
  const values: LabelValue[] = [];
  const info: UpdateInfo[] = [];
  for (const { version, commitment } of rows) {
    if (commitment.every((byte, i) => byte === ZERO_HASH[i])) continue;
    const { opening, value } = await openedValue(setting, label, version);
    values.push({ value: value.value });
    info.push({ opening, suffix: value.suffix });
  }
  return { skippedVersions: versions.length - values.length, values, info };
}
