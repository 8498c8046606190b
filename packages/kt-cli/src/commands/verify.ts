import { KeytransError } from "@mls-as/keytrans";
import type { Exchange } from "@mls-as/kt-client";
import { hex, labelText, shortHex } from "../bytes-text.js";
import type { Context } from "../context.js";
import { type LoggedValue, readValue } from "../device-list-view.js";
import { type Replay, replay } from "../exchange-replay.js";
import { EXIT } from "../exit-code.js";
import { Failure } from "../failure.js";
import { pinnedNames, readPin } from "../pin.js";
import { readProofs } from "../proof-file.js";
import type { Report } from "../report.js";
import { timeText } from "../terminal/time-text.js";
import { printVersion, versionData } from "./search.js";

export interface VerifyFlags {
  readonly fingerprint?: string | undefined;
}

interface Checked {
  readonly replay: Replay;
  readonly exchange: Exchange;
  readonly value: LoggedValue | undefined;
}

/** Verifies saved proofs again, offline. */
export async function verify(context: Context, path: string, { fingerprint }: VerifyFlags): Promise<Report> {
  const checked: Checked[] = [];
  for (const exchange of await readProofs(context, path)) checked.push(await check(exchange, path));
  const ids = new Set(checked.map(({ replay: { log } }) => hex(log.logId)));
  const trusted = await trust(context, ids, fingerprint);
  const exit = trusted === undefined ? EXIT.unexpectedKey : EXIT.fine;
  return {
    exit,
    data: {
      verified: true,
      log: [...ids],
      trusted: trusted ?? false,
      proofs: checked.map(({ replay: { said }, exchange, value }) => ({
        operation: said.operation,
        provenAt: exchange.now,
        ...("label" in said && { label: labelText(said.label) }),
        ...(said.operation === "search" &&
          value &&
          versionData({ result: said.result, value, exchange }, exchange.now)),
      })),
    },
    print(paper) {
      for (const {
        replay: { said, after },
        exchange,
        value,
      } of checked) {
        if (said.operation === "search" && value)
          printVersion(
            paper,
            { clock: () => exchange.now },
            labelText(said.label),
            { result: said.result, value, exchange },
            said.wanted === undefined,
          );
        else
          paper.line(
            `${said.operation}: verified, log of ${after.view?.treeHead.treeSize ?? 0} entries, root ${shortHex(after.view?.root ?? new Uint8Array())}`,
          );
        paper.line(`As of ${timeText(exchange.now)}, when the proof was fetched.`, "dim");
        paper.line();
      }
      if (trusted !== undefined) paper.line(`The proof holds, under the key of ${trusted}.`, "good");
      else
        paper.paragraph(
          `The proof holds under the key in the file, but no pinned log has that key (log id ${[...ids].join(", ")}). Anybody can make such a file with a key of their own: say --fingerprint, or pin the log.`,
        );
    },
  };
}

async function check(exchange: Exchange, path: string): Promise<Checked> {
  let again: Replay;
  try {
    again = await replay(exchange);
  } catch (error) {
    if (!(error instanceof KeytransError)) throw malformed(error, path);
    throw new Failure("unverifiable", `The proof does not verify: ${error.message}.`, {
      reason: error.code,
      path: error.path,
      section: error.section,
      bundle: error.evidence && { kind: "exchange", evidence: error.evidence },
    });
  }
  const { said, log, before } = again;
  if (before.view !== undefined)
    throw new Failure("unverifiable", "The proof builds on what its maker knew before: it does not stand alone.", {
      path: "exchanges.state",
    });
  if (said.operation !== "search") return { replay: again, exchange, value: undefined };
  const { value, version, timestamp } = said.result;
  return { replay: again, exchange, value: await readValue(value, said.label, version, log.logId, timestamp) };
}

function malformed(error: unknown, path: string): Failure {
  if (error instanceof Failure) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new Failure("file-malformed", `${path} does not hold a proof: ${why}`, { path, cause: error });
}

/** What speaks for the log: a fingerprint that was given, or a pin. Undefined: nothing. @throws Failure */
export async function trust(
  context: Context,
  ids: ReadonlySet<string>,
  fingerprint: string | undefined,
): Promise<string | undefined> {
  if (fingerprint !== undefined) {
    const wanted = fingerprint.replaceAll(/[\s:]/g, "").toLowerCase();
    if (ids.size === 1 && ids.has(wanted)) return "the fingerprint you gave";
    throw new Failure("fingerprint-mismatch", `The file is about log id ${[...ids].join(", ")}, not ${wanted}.`);
  }
  const names = new Map<string, string>();
  for (const name of await pinnedNames(context)) {
    const pin = await readPin(context, name);
    if (pin !== undefined) names.set(hex(pin.logId), name);
  }
  const found = [...ids].map((id) => names.get(id));
  return found.includes(undefined) ? undefined : `the pinned log ${found.join(", ")}`;
}
