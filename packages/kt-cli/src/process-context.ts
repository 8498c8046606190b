import { homedir } from "node:os";
import { join } from "node:path";
import type { Fetch } from "@mls-as/kt-client";
import type { Context, Output } from "./context.js";

function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
  };
}

function homeOf({ KT_HOME, XDG_STATE_HOME }: NodeJS.ProcessEnv): string {
  if ((KT_HOME ?? "") !== "") return KT_HOME as string;
  const state = (XDG_STATE_HOME ?? "") === "" ? join(homedir(), ".local", "state") : (XDG_STATE_HOME as string);
  return join(state, "kt");
}

/** The context of a process: its streams, its clock, its signals. */
export function processContext(): Context {
  const ending = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => ending.abort());
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    async stdin() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return new Uint8Array(Buffer.concat(chunks));
    },
    fetch: fetch as unknown as Fetch,
    clock: Date.now,
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", end);
          resolve();
        };
        const timer = setTimeout(end, milliseconds);
        signal?.addEventListener("abort", end);
        if (signal?.aborted === true) end();
      }),
    home: homeOf(process.env),
    environment: process.env,
    signal: ending.signal,
  };
}
