/** Prints a line on standard output. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** A time as people read it, in UTC, to the minute. @param seconds since 1970 */
export const date = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

const MINIMUM = 8;

/** Columns of a terminal; unlimited where the output goes to a file or a program. */
function outputWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
}

/**
 * A table with one space or more between columns, the first row its heading. Where it is wider than `width`, the widest
 * columns lose characters in their middle, marked by an ellipsis, so that both ends of a URI or id stay readable.
 */
export function table(rows: readonly (readonly string[])[], width: number = outputWidth()): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => Array.from(row[column] ?? "").length)),
  );
  const total = (): number => widths.reduce((sum, one) => sum + one, 2 * (columns - 1));
  while (total() > width) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= MINIMUM) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => shorten(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function shorten(text: string, width: number): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  const head = Math.ceil((width - 1) / 2);
  const tail = width - 1 - head;
  return `${characters.slice(0, head).join("")}…${tail === 0 ? "" : characters.slice(-tail).join("")}`;
}
