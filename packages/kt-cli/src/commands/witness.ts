import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { KeytransError } from "@mls-as/keytrans";
import {
  formatVerifierKey,
  LOG_KEY,
  parseVerifierKey,
  verifierKey,
  type VerifierKey,
  WITNESS_KEY,
} from "@mls-as/keytrans/witness";
import { withLock } from "@mls-as/kt-client/node";
import { type KeyFlags, openSigner } from "../audit/auditor-key.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-code.js";
import { Failure } from "../failure.js";
import type { Report } from "../report.js";
import type { SharedFlags } from "../save-bundle.js";
import { Paper } from "../terminal/paper.js";
import { countText, timeText } from "../terminal/time-text.js";
import { serveWitness } from "../witness/witness-server.js";
import { type Offered, Witnessing } from "../witness/witnessing.js";

export interface WitnessFlags extends KeyFlags, SharedFlags {
  /** Name of this witness, as it stands in signature lines. */
  readonly name?: string | undefined;
  /** Verifier keys of the logs it cosigns. */
  readonly logKey?: readonly string[] | undefined;
  readonly listen?: string | undefined;
}

const LISTEN = "127.0.0.1:8461";

/** Cosigns checkpoints of logs by C2SP tlog-witness, until it is told to end. */
export async function witness(context: Context, flags: WitnessFlags): Promise<Report> {
  const logs = (flags.logKey ?? []).map(logKey);
  if (flags.name === undefined || flags.sign === undefined || logs.length === 0)
    throw new Failure("usage", "A witness needs --name, --sign and at least one --log-key.", {
      remedy: "kt key DIR makes a key; the operator of a log tells its verifier key (NAME+ID+KEY).",
    });
  const opened = await openSigner(context, flags.sign, flags);
  try {
    const { signer } = opened;
    if (signer.publicKey.length !== 32)
      throw new Failure("usage", "Cosignatures are made with Ed25519 keys.", { path: "--sign" });
    const setting = { key: named(flags.name, signer.publicKey), signer, logs };
    const path = Witnessing.path(context, setting.key.name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // One memory, one witness: two of them could each sign a branch.
    return await withLock(
      `${path}.running`,
      async () => {
        const told = { cosigned: 0, refused: 0, contradictions: 0 };
        const witnessing = await Witnessing.open(context, setting, (offered) => tell(context, offered, told));
        const { server, url } = await serveWitness(witnessing, flags.listen ?? LISTEN);
        const vkey = formatVerifierKey(setting.key);
        announce(context, flags, url, vkey, logs);
        await ended(context.signal);
        server.closeIdleConnections();
        await new Promise<void>((resolve) => {
          server.close(() => resolve());
        });
        return {
          exit: told.contradictions > 0 ? EXIT.misbehaviour : EXIT.fine,
          data: { vkey, ...told },
          print: (paper) => paper.line(`Ended. ${told.cosigned} cosigned, ${told.refused} refused.`),
        };
      },
      0,
    );
  } finally {
    await opened.close();
  }
}

function logKey(text: string): VerifierKey {
  try {
    const key = parseVerifierKey(text);
    if (key.type === LOG_KEY) return key;
    throw new Failure("usage", `${text} is not a log's Ed25519 key.`, { path: "--log-key" });
  } catch (cause) {
    if (!(cause instanceof KeytransError)) throw cause;
    throw new Failure("usage", `Not a verifier key: ${text}`, {
      path: "--log-key",
      section: cause.section,
      remedy: "A verifier key looks like log.example/keytrans+1a2b3c4d+AbCd…",
      cause,
    });
  }
}

function named(name: string, publicKey: Uint8Array): VerifierKey {
  try {
    return verifierKey(name, WITNESS_KEY, publicKey);
  } catch (cause) {
    if (!(cause instanceof KeytransError)) throw cause;
    throw new Failure("usage", `${cause.message}: ${name}`, { path: "--name", section: cause.section, cause });
  }
}

/** So that programs can wait for it, and people can copy what a log's policy needs. */
function announce(
  context: Context,
  { json }: WitnessFlags,
  url: string,
  vkey: string,
  logs: readonly VerifierKey[],
): void {
  if (json === true) {
    context.stdout.write(`${JSON.stringify({ url, vkey })}\n`);
    return;
  }
  const paper = new Paper(context.stdout, context.environment);
  paper.line(`Witnessing ${logs.map(({ name }) => name).join(", ")} at ${url}/add-checkpoint`, "title");
  paper.line("For the log's tlog-policy:");
  paper.line(`witness ${vkey.split("+")[0]} ${vkey} ${url}`);
}

function tell(
  context: Context,
  { status, origin, size, kept }: Offered,
  told: { cosigned: number; refused: number; contradictions: number },
): void {
  const paper = new Paper(context.stderr, context.environment);
  const what = origin === undefined || size === undefined ? "a checkpoint" : `${origin} at ${countText(size)} entries`;
  const when = timeText(context.clock());
  if (status === 200) {
    told.cosigned++;
    paper.line(`${when}  cosigned ${what}`, "dim");
    return;
  }
  told.refused++;
  if (kept === undefined) return paper.line(`${when}  refused ${what} (${status})`, "warn");
  told.contradictions++;
  paper.line(`${when}  ${what} does not continue what this witness cosigned; the log signed it: ${kept}`, "bad");
}

function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
