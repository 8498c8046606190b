import { readdir } from "node:fs/promises";
import { type LogClient, type LogConnection, connectLog, logClient } from "@mls-as/kt-client";
import { fileStateStore } from "@mls-as/kt-client/node";
import { nodeSuite } from "@mls-as/keytrans/node";
import { base64UrlBytes, hex, toBase64Url } from "./bytes-text.js";
import type { Context } from "./context.js";
import { logOf } from "./exchange-replay.js";
import { Failure } from "./failure.js";
import { inHome, readBytes, readJson, writeJson } from "./json-file.js";

/** A log that is trusted from now on, and how it came to be. */
export interface Pin {
  readonly name: string;
  readonly url: string;
  readonly logId: Uint8Array;
  readonly configuration: Uint8Array;
  /** Milliseconds. */
  readonly pinnedAt: number;
  readonly by: "first-use" | "fingerprint";
}

/** Options that every command which asks a log has. */
export interface LogFlags {
  /** Which of the pinned logs. */
  readonly log?: string | undefined;
  /** Ask here instead of the pinned URL: the same log from another vantage point. */
  readonly url?: string | undefined;
  /** File with a bearer token, for logs that are not public. */
  readonly tokenFile?: string | undefined;
  /** Seconds for one request. */
  readonly timeout?: number | undefined;
}

export const LOG_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const pinFile = (context: Context, name: string): string => inHome(context, "logs", name, "pin.json");
/** A file that belongs to a pinned log. */
export const logFile = (context: Context, pin: Pin, name: string): string => inHome(context, "logs", pin.name, name);

export async function writePin(context: Context, pin: Pin): Promise<void> {
  await writeJson(pinFile(context, pin.name), {
    format: "kt-pin/1",
    url: pin.url,
    logId: hex(pin.logId),
    configuration: toBase64Url(pin.configuration),
    pinnedAt: pin.pinnedAt,
    by: pin.by,
  });
}

/** @throws Failure; undefined where the name is not pinned */
export async function readPin(context: Context, name: string): Promise<Pin | undefined> {
  const path = pinFile(context, name);
  const value = (await readJson(context, path).catch((error: unknown) => {
    if (error instanceof Failure && error.code === "file-unreadable") return undefined;
    throw error;
  })) as Record<string, unknown> | undefined;
  if (value === undefined) return undefined;
  const { format, url, pinnedAt, by } = value;
  if (format !== "kt-pin/1" || typeof url !== "string" || typeof pinnedAt !== "number")
    throw new Failure("file-malformed", `${path} is not a pin`, { path });
  const configuration = base64UrlBytes(value["configuration"], `${path}: configuration`);
  const { logId } = await logOf(configuration);
  if (hex(logId) !== value["logId"])
    throw new Failure("file-malformed", `${path}: the configuration is not that of the pinned log`, { path });
  return { name, url, logId, configuration, pinnedAt, by: by === "fingerprint" ? "fingerprint" : "first-use" };
}

/** Names of the pinned logs, sorted. */
export async function pinnedNames(context: Context): Promise<string[]> {
  const names = await readdir(inHome(context, "logs")).catch(() => []);
  return names.filter((name) => LOG_NAME.test(name)).sort();
}

/** The pin that the flags mean: the only one, or the one named. @throws Failure not-pinned */
export async function choosePin(context: Context, { log }: LogFlags): Promise<Pin> {
  const names = await pinnedNames(context);
  const name = log ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) {
    const none = names.length === 0;
    throw new Failure("not-pinned", none ? "No log is pinned yet." : `Several logs are pinned: ${names.join(", ")}.`, {
      remedy: none ? "Pin one first: kt init URL" : "Say which one: --log NAME",
    });
  }
  const pin = LOG_NAME.test(name) ? await readPin(context, name) : undefined;
  if (pin === undefined)
    throw new Failure("not-pinned", `No log is pinned under the name ${name}.`, { remedy: "kt init URL --name NAME" });
  return pin;
}

/** A connection to a pinned log, held to the configuration that was pinned. */
export async function connectPinned(context: Context, pin: Pin, flags: LogFlags): Promise<LogConnection> {
  const reader = flags.tokenFile === undefined ? undefined : await readToken(context, flags.tokenFile);
  return connectLog({
    url: flags.url ?? pin.url,
    configuration: pin.configuration,
    logId: pin.logId,
    suite: nodeSuite,
    fetch: context.fetch,
    clock: context.clock,
    sleep: context.sleep,
    signal: context.signal,
    ...(reader === undefined ? {} : { reader }),
    ...(flags.timeout === undefined ? {} : { timeout: flags.timeout * 1000 }),
  });
}

async function readToken(context: Context, path: string): Promise<string> {
  const token = new TextDecoder().decode(await readBytes(context, path)).trim();
  if (!/^[\w.~+/=-]{1,4096}$/.test(token)) throw new Failure("file-malformed", `${path} holds no token`, { path });
  return token;
}

/** A pinned log with the state that is kept of it. */
export interface Session {
  readonly pin: Pin;
  readonly client: LogClient;
  readonly connection: LogConnection;
}

/** Opens the log that the flags mean, with its state in `state`. */
export async function openSession(context: Context, flags: LogFlags, state = "state"): Promise<Session> {
  const pin = await choosePin(context, flags);
  const connection = await connectPinned(context, pin, flags);
  return { pin, connection, client: logClient(connection, fileStateStore(logFile(context, pin, state))) };
}
