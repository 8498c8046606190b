import { encode } from "@mls-as/tls-codec";
import { fixedVersionSearch, greatestVersionSearch } from "../algorithms/index.js";
import { baseBinaryLadder } from "../binary-ladder.js";
import { SearchRequest } from "../structs/index.js";
import { Answer, answering, decodeRequest, openedValue, type ProverSetting } from "./answer.js";
import { ProverError } from "./errors.js";

const SECTION = "Search";

/** Answers a `SearchRequest`. @throws ProverError */
export async function answerSearch(setting: ProverSetting, bytes: Uint8Array): Promise<Uint8Array> {
  const { last, label, version } = decodeRequest(SearchRequest, SECTION, bytes);
  const answer = await Answer.open(setting, last, label);
  const greatest = await greatestVersionOf(answer, SECTION);
  const target = version ?? greatest;
  if (target > greatest)
    throw new ProverError("version-unknown", `version ${target} does not exist`, SECTION, "version");
  await answering(() =>
    version === undefined ? greatestVersionSearch(answer.view, target) : fixedVersionSearch(answer.view, target),
  );
  const response = {
    fullTreeHead: answer.fullTreeHead,
    ...(await openedValue(setting, label, target)),
    binaryLadder: await answer.ladder(
      setting,
      label,
      baseBinaryLadder(target),
      (step) => step !== target && step <= greatest,
    ),
    search: await answer.proof(),
  };
  return version === undefined
    ? encode(setting.wire.GreatestSearchResponse, { ...response, version: target })
    : encode(setting.wire.FixedSearchResponse, response);
}

/** The label's greatest version in the tree shown. @throws ProverError label-unknown */
export async function greatestVersionOf(answer: Answer, section: string): Promise<number> {
  const greatest = await answer.recorded.greatestAt(answer.view.size - 1);
  if (greatest === undefined) throw new ProverError("label-unknown", "the label does not exist", section, "label");
  return greatest;
}
