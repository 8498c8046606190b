import { baseBinaryLadder, wireFormat } from "@mls-as/keytrans";
import type { Exchange } from "@mls-as/kt-client";
import { decode } from "@mls-as/tls-codec";
import { asking } from "../asking.js";
import { hex, labelBytes, labelText, shortHex } from "../bytes-text.js";
import type { Context } from "../context.js";
import { type Replay, replay } from "../exchange-replay.js";
import { EXIT } from "../exit-code.js";
import { Failure } from "../failure.js";
import { type LogFlags, openSession } from "../pin.js";
import { readProofs } from "../proof-file.js";
import type { Report } from "../report.js";
import { countText, durationText, timeText } from "../terminal/time-text.js";

export interface ExplainFlags extends LogFlags {
  readonly version?: number | undefined;
  readonly file?: string | undefined;
}

/** One step of a proof. */
interface Step {
  readonly title: string;
  readonly words: readonly string[];
}

/** Walks through the proof of a search, step by step, for those who learn. */
export async function explain(context: Context, label: string | undefined, flags: ExplainFlags): Promise<Report> {
  const exchange = flags.file === undefined ? await fetched(context, label, flags) : await saved(context, flags.file);
  const steps = stepsOf(exchange, await replay(exchange));
  return {
    exit: EXIT.fine,
    data: { steps },
    print(paper) {
      for (const [i, { title, words }] of steps.entries()) {
        if (i > 0) paper.line();
        paper.line(`${i + 1}. ${title}`, "bold");
        for (const text of words) paper.paragraph(text, "   ");
      }
    },
  };
}

async function fetched(context: Context, label: string | undefined, flags: ExplainFlags): Promise<Exchange> {
  if (label === undefined)
    throw new Failure("usage", "Say which label to search, or which proof to read: --file FILE.");
  const session = await openSession(context, flags);
  const search = { label: labelBytes(label), version: flags.version };
  return (await asking(context, session, () => session.client.search(search))).exchange;
}

async function saved(context: Context, path: string): Promise<Exchange> {
  const exchange = (await readProofs(context, path)).findLast(({ operation }) => operation === "search");
  if (exchange === undefined) throw new Failure("file-malformed", `${path} holds no search.`, { path });
  return exchange;
}

function stepsOf(exchange: Exchange, { log, before, after, said }: Replay): Step[] {
  if (said.operation !== "search" || after.view === undefined)
    throw new Failure("usage", "Only searches are explained.");
  const wire = wireFormat(log.kt.setting.suite, log.configuration);
  const [bytes] = exchange.responses as [Uint8Array];
  const response = decode(said.wanted === undefined ? wire.GreatestSearchResponse : wire.FixedSearchResponse, bytes);
  const { result } = said;
  const { search: proof, opening, value, fullTreeHead } = response;
  const ladder = baseBinaryLadder(result.version);
  const label = labelText(said.label);
  const known = before.view?.treeHead.treeSize;
  const { frontier, treeHead, root } = after.view;
  const last = frontier.at(-1) as { timestamp: number };
  const results = proof.prefixProofs.map(({ results: each }) => each.map(({ resultType }) => resultType));
  const there = results.flat().filter((type) => type === "inclusion").length;
  return [
    {
      title: "The question",
      words: [
        `You asked for ${said.wanted === undefined ? "the greatest version" : `version ${said.wanted}`} of ${label}.`,
        known === undefined
          ? "You have never seen this log before, so you told it that you know nothing."
          : `You told the log that you have verified its tree of ${countText(known)} entries, so that it must show how the tree grew from there.`,
      ],
    },
    {
      title: "The answer",
      words: [
        `The log claims version ${result.version}, with a value of ${countText(value.value.length)} octets.`,
        fullTreeHead.headType === "same"
          ? `Its tree is still the one of ${countText(treeHead.treeSize)} entries that you know.`
          : `Its tree has ${countText(treeHead.treeSize)} entries now.`,
        "None of that is believed yet.",
      ],
    },
    {
      title: "Where the label is: the VRF",
      words: [
        "The log hides labels: each version of a label lies in a prefix tree under a pseudorandom index that only the log's VRF key can compute, and anyone can check.",
        `The answer brings the proofs for versions ${ladder.join(", ")} — a binary ladder: steps that double until they pass the claimed version, then halve. Each proof was verified with the VRF key, which gave ${ladder.length} indices. The log could not have chosen them.`,
      ],
    },
    {
      title: "What the value is: the commitment",
      words: [
        `At such an index lies no value, but a commitment to one: HMAC over the label, the version, the value and a random opening (${hex(opening)}).`,
        "Recomputed from the value in the answer, it must be the one that the tree holds; step 5 uses the recomputed one.",
      ],
    },
    {
      title: "Which versions exist: the prefix trees",
      words: [
        `Every log entry is the root of a prefix tree. The search inspected ${results.length} of them. Their proofs gave ${there} times "this version is here" and ${results.flat().length - there} times "this version is not here".`,
        said.wanted === undefined
          ? `In the newest tree, version ${result.version} exists and the next steps of the ladder do not: so it is the greatest, and the log cannot hold back a newer one without lying in its tree.`
          : `The search walked to the first entry that has version ${result.version}: entry ${result.position}.`,
        "The versions found must never shrink from left to right: a version that was once there cannot vanish.",
      ],
    },
    {
      title: "When: the timestamps",
      words: [
        `The proof brings the times of ${proof.timestamps.length} entries. With those known before they must never decrease. The rightmost is of ${timeText(last.timestamp)}, ${durationText(exchange.now - last.timestamp)} before the answer came; more than ${durationText(Number(log.configuration.maxBehind))} would have been refused as stale.`,
        `The entries along the right edge of the tree are ${frontier.map(({ position }) => position).join(", ")}; you keep them for next time.`,
      ],
    },
    {
      title: "One tree: the root",
      words: [
        `From the prefix tree roots, the times and ${proof.inclusion.elements.length} further hashes the root of the log tree was computed: ${hex(root)}.`,
        known === undefined
          ? "As this is your first look, there is nothing to compare with."
          : `The same hashes show that this tree begins with the ${countText(known)} entries you knew. Had the log changed any of them, the computation would have failed.`,
      ],
    },
    {
      title: "Who says so: the signature",
      words: [
        `The log signed this root, the size ${countText(treeHead.treeSize)} and its whole configuration. The signature ${shortHex(treeHead.signature)}… is good under the pinned key. If the log ever signs another tree of this size, both signatures together convict it.`,
        ...(after.view.auditorTreeHead === undefined
          ? []
          : [
              `A third party has audited the tree up to ${countText(after.view.auditorTreeHead.treeSize)} entries, and its signature holds as well.`,
            ]),
      ],
    },
    {
      title: "What remains",
      words: [
        result.monitor
          ? `Entry ${result.position} lies right of the last distinguished entry, so the log could still show others something else there. \`kt watch ${label}\` comes back and checks that it stays.`
          : "The entry lies left of a distinguished one, which owners check. Nothing more is to be watched for this answer.",
        "Whether everybody sees the same tree is not shown by any proof: compare with `kt gossip`.",
      ],
    },
  ];
}
