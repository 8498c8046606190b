import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AccessPolicy } from "./access/access-policy.js";
import { readConfig } from "./config.js";
import { FILES, initialise } from "./data-folder.js";
import { serve } from "./serve.js";
import { isInitialised } from "./storage/open-store.js";

export type { AccessPolicy, AccessRequest, Caller, Operation } from "./access/access-policy.js";

export interface StartOptions {
  readonly dataDir: string;
  /** 0: any free port. */
  readonly port: number;
  readonly host?: string;
  /** Logs only errors. */
  readonly quiet?: boolean;
  /** Own rules about who may do what, in place of the built-in ones. */
  readonly access?: AccessPolicy;
}

export interface RunningLog {
  readonly url: string;
  readonly writerToken: string;
  /** The encoded `Configuration`. */
  readonly configuration: Uint8Array;
  close(): Promise<void>;
}

/** Runs a log in this process: made on the first start, continued afterwards. */
export async function startKtLog({ dataDir, port, host, quiet, access }: StartOptions): Promise<RunningLog> {
  const config = readConfig(process.env, {
    dataDir,
    port,
    ...(host === undefined ? {} : { host }),
    ...(quiet === true ? { logLevel: "error" } : { logLevel: "warn" }),
  });
  if (!(await isInitialised(config))) await initialise(config);
  const service = await serve(config, { access });
  const writerToken = (await readFile(join(dataDir, FILES.writerToken), "utf8")).trim();
  return {
    url: service.url,
    writerToken,
    configuration: service.context.configurationBytes,
    close: () => service.close(),
  };
}
