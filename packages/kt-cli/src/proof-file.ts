import type { Exchange } from "@mls-as/kt-client";
import { hex } from "./bytes-text.js";
import type { Context } from "./context.js";
import { exchangeJson, readExchangeJson } from "./evidence/bundle.js";
import { Failure } from "./failure.js";
import { readJson, writeJson } from "./json-file.js";

const FORMAT = "kt-proof/1";

/** Saves exchanges that were verified, to be verified again anywhere. Format in docs/kt.md. */
export async function writeProofs(path: string, logId: Uint8Array, exchanges: readonly Exchange[]): Promise<void> {
  await writeJson(path, { format: FORMAT, log: hex(logId), exchanges: exchanges.map(exchangeJson) });
}

/** @throws Failure file-malformed */
export async function readProofs(context: Context, path: string): Promise<Exchange[]> {
  const value = (await readJson(context, path)) as Record<string, unknown> | null;
  if (value?.["format"] !== FORMAT || !Array.isArray(value["exchanges"]) || value["exchanges"].length === 0)
    throw new Failure("file-malformed", `${path} is not a proof saved by kt.`, { path });
  return value["exchanges"].map(readExchangeJson);
}
