import type { Fetch } from "@mls-as/kt-client";

/** A stream that text goes to. */
export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Characters in a line, where it is known. */
  readonly columns: number | undefined;
}

/** Everything a command may touch besides files: so that it can be tested in one process. */
export interface Context {
  readonly stdout: Output;
  readonly stderr: Output;
  /** All of standard input. */
  readonly stdin: () => Promise<Uint8Array>;
  readonly fetch: Fetch;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly sleep: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Where pins, states and evidence are kept. */
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ends what runs on: SIGTERM and SIGINT. */
  readonly signal: AbortSignal;
}
