import { type Codec, decode, encode } from "@mls-as/tls-codec";
import type { Outcome } from "./main.js";

/** A case of a file: JSON as it came, whose fields are read through {@link Case}. */
export type Fields = Readonly<Record<string, unknown>>;

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export function unhex(text: unknown, field: string): Uint8Array {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/i.test(text)) throw new Error(`${field} is not hex`);
  return Uint8Array.from(Buffer.from(text, "hex"));
}

/** Reads the fields of one case and counts what was compared: a case that compared nothing has not passed. */
export class Case {
  readonly #fields: Fields;
  compared = 0;

  constructor(fields: unknown, known: readonly string[]) {
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) throw new Error("not an object");
    const unknown = Object.keys(fields).filter((field) => !known.includes(field));
    if (unknown.length > 0) throw new Error(`states ${unknown.join(", ")}, which is not understood`);
    this.#fields = fields as Fields;
  }

  has(field: string): boolean {
    return this.#fields[field] !== undefined && this.#fields[field] !== null;
  }

  value(field: string): unknown {
    return this.#fields[field];
  }

  bytes(field: string): Uint8Array {
    return unhex(this.#fields[field], field);
  }

  integer(field: string): number {
    const value = this.#fields[field];
    if (!Number.isSafeInteger(value)) throw new Error(`${field} is not an integer`);
    return value as number;
  }

  list(field: string): readonly unknown[] {
    const value = this.#fields[field];
    if (!Array.isArray(value)) throw new Error(`${field} is not a list`);
    return value;
  }

  object(field: string, known: readonly string[]): Case {
    return new Case(this.#fields[field], known);
  }

  /** Decodes a field and holds its encoding against the field. */
  decoded<T>(field: string, codec: Codec<T>): T {
    return this.decodedBytes(field, codec, this.bytes(field));
  }

  decodedBytes<T>(what: string, codec: Codec<T>, bytes: Uint8Array): T {
    try {
      const value = decode(codec, bytes);
      this.equal(`${what} encoded again`, hex(encode(codec, value)), hex(bytes));
      return value;
    } catch (error) {
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }

  equal(what: string, actual: unknown, expected: unknown): void {
    if (!Object.is(actual, expected)) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
    this.compared++;
  }

  equalBytes(what: string, actual: Uint8Array, expected: Uint8Array): void {
    this.equal(what, hex(actual), hex(expected));
  }

  async holds(what: string, verdict: boolean | Promise<boolean>): Promise<void> {
    this.equal(what, await verdict, true);
  }
}

/** How the cases of one kind of file are run: `check` throws with the reason, and compares at least one thing. */
export interface CaseKind {
  readonly fields: readonly string[];
  check(vector: Case): Promise<void>;
}

/** Runs every case of a file. */
export async function runCases(
  path: string,
  cases: readonly unknown[],
  kind: CaseKind,
  report: (outcome: Outcome) => void,
): Promise<void> {
  for (const [index, fields] of cases.entries()) {
    const title = (fields as { readonly name?: unknown } | null)?.name;
    const name = `${path}#${index}${typeof title === "string" ? ` ${title}` : ""}`;
    try {
      const vector = new Case(fields, kind.fields);
      await kind.check(vector);
      if (vector.compared === 0) report({ case: name, ok: "skipped", detail: "nothing in it could be compared" });
      else report({ case: name, ok: true });
    } catch (error) {
      report({ case: name, ok: false, detail: (error as Error).message });
    }
  }
}
