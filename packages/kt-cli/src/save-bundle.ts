import { hex } from "./bytes-text.js";
import type { Context } from "./context.js";
import type { Bundle } from "./evidence/bundle-kinds.js";
import { bundleConfiguration, bundleJson } from "./evidence/bundle.js";
import { logOf } from "./exchange-replay.js";
import { inHome, writeJson } from "./json-file.js";

/** Options of every command. */
export interface SharedFlags {
  readonly json?: boolean | undefined;
  /** Folder for evidence files. */
  readonly evidenceDir?: string | undefined;
}

/** Writes an evidence file, named for the log, the kind and the time. Gives its path. */
export async function saveBundle(context: Context, flags: SharedFlags, bundle: Bundle): Promise<string> {
  const folder = flags.evidenceDir ?? inHome(context, "evidence");
  const { logId } = await logOf(bundleConfiguration(bundle));
  const stamp = new Date(context.clock()).toISOString().replaceAll(/[-:.]/g, "");
  const path = `${folder}/${hex(logId).slice(0, 8)}-${bundle.kind}-${stamp}.json`;
  await writeJson(path, { ...bundleJson(bundle), log: hex(logId), foundAt: context.clock() });
  return path;
}
