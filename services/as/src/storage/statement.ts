/** A value that both drivers bind. */
export type Parameter = string | number | Uint8Array | null;

/** One step of a transaction. */
export interface Statement {
  /** `lock` waits until no other process decides anything; it holds until the transaction ends. */
  readonly kind: "all" | "run" | "lock";
  /** With `?` for parameters. */
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

export interface Outcome {
  readonly rows: readonly unknown[];
  /** Rows changed. */
  readonly count: number;
}

/**
 * A transaction, written once for both drivers: it yields statements and is resumed with their outcomes. SQLite runs it
 * to its end without letting anybody in between, PostgreSQL awaits every answer.
 */
export type Work<T> = Generator<Statement, T, Outcome>;

/** All rows of a query. */
export function* all<Row>(sql: string, ...parameters: readonly Parameter[]): Work<Row[]> {
  const { rows } = yield { kind: "all", sql, parameters };
  return rows as Row[];
}

/** The first row of a query. */
export function* one<Row>(sql: string, ...parameters: readonly Parameter[]): Work<Row | undefined> {
  return (yield* all<Row>(sql, ...parameters))[0];
}

/** Whether a query finds anything. */
export function* exists(sql: string, ...parameters: readonly Parameter[]): Work<boolean> {
  return (yield* all(sql, ...parameters)).length > 0;
}

/** Changes rows; returns how many. */
export function* run(sql: string, ...parameters: readonly Parameter[]): Work<number> {
  const { count } = yield { kind: "run", sql, parameters };
  return count;
}

/**
 * Taken first by every transaction that decides something, so that decisions of several processes happen one after
 * another: what one of them read is still so when it commits. SQLite has but one writer anyway.
 */
export function* lockDecisions(): Work<void> {
  yield { kind: "lock", sql: "", parameters: [] };
}
