import { type Paper, wrap } from "./paper.js";

export interface Column {
  readonly title: string;
  /** Narrowest useful width. */
  readonly least?: number;
  readonly right?: boolean;
}

const GAP = "  ";

/**
 * Prints a table that fits the paper: wide columns give up room, and their cells are broken over lines. Where even that
 * does not fit, each row becomes a block of named values.
 */
export function table(paper: Paper, columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const least = columns.map(({ title, least: wanted }, i) =>
    Math.min(widths[i] as number, Math.max(title.length, wanted ?? 8)),
  );
  const room = paper.width - GAP.length * columns.length;
  if (sum(least) > room) {
    for (const [i, row] of rows.entries()) {
      if (i > 0) paper.line();
      paper.facts(columns.map(({ title }, at) => [title.toLowerCase(), row[at] ?? ""] as const));
    }
    return;
  }
  while (sum(widths) > room) {
    const slack = widths.map((width, i) => width - (least[i] as number));
    const widest = slack.indexOf(Math.max(...slack));
    widths[widest] = (widths[widest] as number) - 1;
  }
  const print = (cells: readonly string[], ink?: "dim"): void => {
    const parts = cells.map((cell, i) => wrap(cell, widths[i] as number, ""));
    for (let line = 0; line < Math.max(...parts.map(({ length }) => length)); line++) {
      const text = parts.map((part, i) => pad(part[line] ?? "", widths[i] as number, columns[i]?.right === true));
      paper.line((GAP + text.join(GAP)).trimEnd(), ink);
    }
  };
  print(
    columns.map(({ title }) => title),
    "dim",
  );
  for (const row of rows) print(columns.map((_, i) => row[i] ?? ""));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const pad = (text: string, width: number, right: boolean): string =>
  right ? text.padStart(width) : text.padEnd(width);
