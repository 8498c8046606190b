import { createHash } from "node:crypto";
import { ladderEvidence, type SearchResult } from "@mls-as/keytrans/client";
import type { Exchange } from "@mls-as/kt-client";
import { hex, labelText } from "./bytes-text.js";
import type { Context } from "./context.js";
import { type Replay, replay } from "./exchange-replay.js";
import { Failure } from "./failure.js";
import { logFile, type Session } from "./pin.js";
import { readProofs, writeProofs } from "./proof-file.js";

/** What was once proven of a label: a later answer must not fall behind it. */
export interface KnownVersion {
  readonly version: number;
  readonly exchange: Exchange;
}

const fileOf = (context: Context, { pin }: Session, label: Uint8Array): string =>
  logFile(context, pin, `labels/${hex(createHash("sha256").update(label).digest()).slice(0, 32)}.json`);

/** The newest search for a label's greatest version that was kept. */
export async function knownVersion(
  context: Context,
  session: Session,
  label: Uint8Array,
): Promise<KnownVersion | undefined> {
  let exchange: Exchange | undefined;
  let again: Replay;
  try {
    [exchange] = await readProofs(context, fileOf(context, session, label));
    if (exchange === undefined) return undefined;
    again = await replay(exchange);
  } catch (error) {
    if (error instanceof Failure && error.code === "file-unreadable") return undefined;
    throw error;
  }
  return again.said.operation === "search" ? { version: again.said.result.version, exchange } : undefined;
}

/** Holds a proven greatest version against the one known before, and keeps it. @throws Failure misbehaviour */
export async function holdAgainst(
  context: Context,
  session: Session,
  label: Uint8Array,
  known: KnownVersion | undefined,
  now: { readonly result: SearchResult; readonly exchange: Exchange },
): Promise<void> {
  const { version } = now.result;
  if (known !== undefined && version < known.version) {
    const evidence = await ladderEvidence(session.connection.kt.setting, known.exchange, now.exchange);
    throw new Failure(
      evidence === undefined ? "unverifiable" : "misbehaviour",
      `${labelText(label)} had version ${known.version}; now the log proves ${version} to be the greatest. A version was dropped.`,
      { reason: "inconsistent-ladder", section: "Search", ...(evidence && { bundle: { kind: "exchange", evidence } }) },
    );
  }
  await writeProofs(fileOf(context, session, label), session.pin.logId, [now.exchange]);
}
