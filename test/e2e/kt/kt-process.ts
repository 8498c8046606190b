import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { kt } from "@mls-as/kt-cli";
import type { Fetch } from "@mls-as/kt-client";

const MAIN = fileURLToPath(new URL("../../../packages/kt-cli/dist/main.js", import.meta.url));

/** What a run of `kt` left behind. */
export interface Run {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The object that `--json` printed. */
  readonly json: Record<string, unknown> & {
    readonly error?: {
      readonly code: string;
      readonly reason?: string;
      readonly evidence?: string;
      readonly message: string;
    };
  };
}

export interface KtOptions {
  readonly home: string;
  readonly environment?: Record<string, string>;
  readonly input?: string | Uint8Array;
}

/** Runs `kt` in this process: for what a test only prepares. */
export async function callKt(args: readonly string[], { home, environment = {} }: KtOptions): Promise<Run> {
  let stdout = "";
  let stderr = "";
  const output = (write: (text: string) => void) => ({ write, isTTY: false, columns: 100 });
  const code = await kt(args, {
    stdout: output((text) => void (stdout += text)),
    stderr: output((text) => void (stderr += text)),
    stdin: async () => new Uint8Array(),
    fetch: fetch as unknown as Fetch,
    clock: Date.now,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    home,
    environment,
    signal: new AbortController().signal,
  });
  return { code, stdout, stderr, json: jsonOf(stdout) };
}

function jsonOf(stdout: string): Run["json"] {
  try {
    return JSON.parse(stdout) as Run["json"];
  } catch {
    return {};
  }
}

/** Starts `kt` in a process of its own. */
export function startKt(args: readonly string[], { home, environment = {} }: KtOptions) {
  return spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, KT_HOME: home, NO_COLOR: "", COLUMNS: "100", ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** Runs `kt` in a process of its own, to its end. */
export async function runKt(args: readonly string[], options: KtOptions): Promise<Run> {
  const child = startKt(args, options);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin.end(options.input ?? "");
  const [code] = (await once(child, "close")) as [number | null];
  const stdout = Buffer.concat(out).toString("utf8");
  return { code, stdout, stderr: Buffer.concat(err).toString("utf8"), json: jsonOf(stdout) };
}
