import { encode } from "@mls-as/tls-codec";
import {
  contactMonitor,
  distinguishedOnPath,
  greatestVersionSearch,
  isExpired,
  rightmostDistinguished,
  rightmostTimestamp,
} from "../algorithms/index.js";
import { baseBinaryLadder, searchBinaryLadder } from "../binary-ladder.js";
import { provePrefixSearch } from "../prefix-tree/search.js";
import { CredentialRequest, CredentialUpdate, CredentialUpdateRequest } from "../structs/index.js";
import { Answer, answering, currentHead, decodeRequest, openedValue, type ProverSetting } from "./answer.js";
import { ProverError } from "./errors.js";
import { greatestVersionOf } from "./search.js";

const SECTION = "Credentials";

/** Makes a credential for a label's greatest version. @throws ProverError */
export async function answerCredential(setting: ProverSetting, bytes: Uint8Array): Promise<Uint8Array> {
  const request = decodeRequest(CredentialRequest, SECTION, bytes);
  const { label } = request;
  const full = await Answer.at(setting, await currentHead(setting), undefined, label);
  const version = await greatestVersionOf(full, SECTION);
  const position = request.position ?? (await rightmostDistinguished(full.view));
  if (position === undefined || !(await isDistinguishedEntry(full, position)))
    throw new ProverError("invalid-position", "not an unexpired distinguished log entry", SECTION, "position");
  const common = {
    label,
    version,
    ...(await openedValue(setting, label, version)),
    binaryLadder: await full.ladder(setting, label, baseBinaryLadder(version), (step) => step < version),
    position,
  };
  if ((await full.recorded.greatestAt(position)) === version) {
    const entry = await full.recorded.entry(position);
    const keys = await full.vrf.outputs(searchBinaryLadder(version, version));
    const root = { id: entry.prefixNode, value: entry.prefixRoot };
    const distinguished = await provePrefixSearch(setting.store, root, keys);
    return encode(setting.wire.Credential, { ...common, credentialType: "standard", distinguished });
  }
  const { treeSize, signature } = full.head;
  const answer = await Answer.at(setting, full.head, position + 1, label);
  await answering(() => greatestVersionSearch(answer.view, version));
  return encode(setting.wire.Credential, {
    ...common,
    credentialType: "provisional",
    treeHead: { treeSize, signature },
    search: await answer.unsignedProof(),
  });
}

async function isDistinguishedEntry({ view }: Answer, position: number): Promise<boolean> {
  if (position >= view.size || !(await distinguishedOnPath(view, position)).includes(position)) return false;
  return !isExpired(view, await view.inspection.timestamp(position), await rightmostTimestamp(view));
}

/** Leads a provisional credential to the first distinguished entry right of its terminal entry. @throws ProverError */
export async function answerCredentialUpdate(setting: ProverSetting, bytes: Uint8Array): Promise<Uint8Array> {
  const { label, version, position, treeSize } = decodeRequest(CredentialUpdateRequest, "Provisional", bytes);
  const head = await currentHead(setting);
  const full = await Answer.at(setting, head, undefined, label);
  if (treeSize > head.treeSize || position >= treeSize)
    throw new ProverError("invalid-position", "no such tree was ever shown", "Provisional", "position");
  if (((await full.recorded.greatestAt(position)) ?? -1) < version)
    throw new ProverError("version-unknown", "the entry does not hold the version", "Provisional", "version");
  const distinguished = await distinguishedOnPath(full.view, position);
  const target = distinguished.filter((entry) => entry > position).at(-1);
  if (distinguished.includes(position) || target === undefined || target < treeSize)
    throw new ProverError("no-distinguished-head", "no entry that would need an update", "Provisional", "position");
  const answer = await Answer.at(setting, { ...head, treeSize: target + 1 }, treeSize, label);
  if (setting.configuration.mode === "contactMonitoring")
    await answering(() => contactMonitor(answer.view, [{ position, version }], undefined));
  return encode(CredentialUpdate, { monitor: await answer.unsignedProof() });
}
