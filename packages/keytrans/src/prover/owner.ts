import { encode } from "@mls-as/tls-codec";
import { ownerInit, ownerInitEntries, ownerInitVersions, walkDistinguished } from "../algorithms/index.js";
import { DistinguishedRequest, OwnerInitRequest } from "../structs/index.js";
import { Answer, answering, decodeRequest, type ProverSetting } from "./answer.js";

/** Answers an `OwnerInitRequest`; the label need not exist. @throws ProverError */
export async function answerOwnerInit(setting: ProverSetting, bytes: Uint8Array): Promise<Uint8Array> {
  const { last, label, start } = decodeRequest(OwnerInitRequest, "Owner Initialization", bytes);
  const answer = await Answer.open(setting, last, label);
  return answering(async () => {
    const entries = await ownerInitEntries(answer.view, start);
    const greatestVersions: number[] = [];
    for (const position of entries) {
      const greatest = await answer.recorded.greatestAt(position);
      if (greatest === undefined) break;
      greatestVersions.push(greatest);
    }
    await ownerInit(answer.view, entries, greatestVersions);
    const known = greatestVersions[0] ?? -1;
    const versions = ownerInitVersions(greatestVersions);
    return encode(setting.wire.OwnerInitResponse, {
      fullTreeHead: answer.fullTreeHead,
      greatestVersions,
      binaryLadder: await answer.ladder(setting, label, versions, (version) => version <= known),
      init: await answer.proof(),
    });
  });
}

/** Answers a `DistinguishedRequest`. @throws ProverError */
export async function answerDistinguished(setting: ProverSetting, bytes: Uint8Array): Promise<Uint8Array> {
  const { last, stop } = decodeRequest(DistinguishedRequest, "Walking Distinguished Heads", bytes);
  const answer = await Answer.open(setting, last);
  return answering(async () => {
    await walkDistinguished(answer.view, { count: setting.recent }, stop);
    return encode(setting.wire.DistinguishedResponse, {
      fullTreeHead: answer.fullTreeHead,
      distinguished: await answer.proof(),
    });
  });
}
