import { KeytransError } from "@mls-as/keytrans";
import {
  addCheckpoint,
  parseCheckpoint,
  parseSignedNote,
  type WitnessAnswer,
  type WitnessedCheckpoint,
  type WitnessSetting,
} from "@mls-as/keytrans/witness";
import type { Context } from "../context.js";
import { Failure } from "../failure.js";
import { inHome, readJson, writeJson, writeText } from "../json-file.js";

/** What happened to one checkpoint that was offered. */
export interface Offered {
  readonly status: number;
  readonly origin?: string;
  readonly size?: number;
  /** Where a checkpoint is kept that the log signed, and that contradicts what was cosigned before. */
  readonly kept?: string;
}

/**
 * A witness of logs, with its memory on disk. What it cosigned is durable before the cosignature leaves, and checkpoints
 * are taken one after the other: it never signs two trees that contradict each other, at whatever moment it is killed.
 */
export class Witnessing {
  readonly #context: Context;
  readonly #setting: WitnessSetting;
  readonly #path: string;
  readonly #last: Map<string, WitnessedCheckpoint>;
  readonly #tell: (offered: Offered) => void;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    context: Context,
    setting: WitnessSetting,
    path: string,
    last: Map<string, WitnessedCheckpoint>,
    tell: (offered: Offered) => void,
  ) {
    this.#context = context;
    this.#setting = setting;
    this.#path = path;
    this.#last = last;
    this.#tell = tell;
  }

  /** Where the memory of the witness of a name is. */
  static path(context: Context, name: string): string {
    return inHome(context, "witness", `${encodeURIComponent(name)}.json`);
  }

  /** @throws Failure file-malformed when the memory is there and cannot be read: going on without it could sign a fork */
  static async open(context: Context, setting: WitnessSetting, tell: (offered: Offered) => void): Promise<Witnessing> {
    const path = Witnessing.path(context, setting.key.name);
    const value = await readJson(context, path).catch((error: unknown) => {
      if (error instanceof Failure && error.message.endsWith("is not there")) return undefined;
      throw error;
    });
    return new Witnessing(context, setting, path, readMemory(value, path), tell);
  }

  /** Logs of which something was cosigned. */
  origins(): string[] {
    return [...this.#last.keys()];
  }

  checkpointOf(origin: string): WitnessedCheckpoint | undefined {
    return this.#last.get(origin);
  }

  /** Answers one `add-checkpoint`. */
  add(body: string): Promise<WitnessAnswer> {
    const turn = this.#turn.then(() => this.#add(body));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #add(body: string): Promise<WitnessAnswer> {
    const seconds = Math.floor(this.#context.clock() / 1000);
    const answer = await addCheckpoint(this.#setting, (origin) => this.#last.get(origin), body, seconds);
    if (answer.next !== undefined) {
      const { origin, checkpoint } = answer.next;
      await writeJson(this.#path, {
        format: "kt-witness/1",
        checkpoints: Object.fromEntries([...this.#last, [origin, checkpoint]]),
      });
      this.#last.set(origin, checkpoint);
    }
    this.#tell({ status: answer.status, ...headOf(body), ...(await this.#keepContradiction(answer, body)) });
    return answer;
  }

  /** A checkpoint with the log's own signature that does not continue the last one may be all that proves a fork. */
  async #keepContradiction({ status }: WitnessAnswer, body: string): Promise<{ kept?: string }> {
    if (status !== 422) return {};
    const stamp = new Date(this.#context.clock()).toISOString().replaceAll(/[-:.]/g, "");
    const kept = inHome(this.#context, "witness", `contradiction-${stamp}.txt`);
    await writeText(kept, body);
    return { kept };
  }
}

function headOf(body: string): { origin?: string; size?: number } {
  try {
    const { origin, size } = parseCheckpoint(parseSignedNote(body.slice(body.indexOf("\n\n") + 2)).text);
    return { origin, size };
  } catch (error) {
    if (error instanceof KeytransError) return {};
    throw error;
  }
}

function readMemory(value: unknown, path: string): Map<string, WitnessedCheckpoint> {
  if (value === undefined) return new Map();
  const { format, checkpoints } = value as { readonly format?: unknown; readonly checkpoints?: unknown };
  const entries = typeof checkpoints === "object" && checkpoints !== null ? Object.entries(checkpoints) : undefined;
  if (format === "kt-witness/1" && entries?.every(([origin, note]) => continues(origin, note)) === true)
    return new Map(entries as [string, string][]);
  throw new Failure("file-malformed", `${path} is not a witness' memory, or was altered.`, {
    path,
    remedy: "Restore it. A witness that forgot what it signed has to start again under a new name and key.",
  });
}

function continues(origin: string, note: unknown): boolean {
  if (typeof note !== "string") return false;
  try {
    return parseCheckpoint(parseSignedNote(note).text).origin === origin;
  } catch (error) {
    if (error instanceof KeytransError) return false;
    throw error;
  }
}
