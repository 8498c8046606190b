import type { Output } from "../context.js";

const COLOURS = { good: 32, bad: 31, warn: 33, dim: 2, bold: 1, title: 36 } as const;
export type Ink = keyof typeof COLOURS;

/** A stream with a width and, on terminals, colours. */
export class Paper {
  readonly width: number;
  readonly colours: boolean;
  readonly #output: Output;

  constructor(output: Output, environment: Readonly<Record<string, string | undefined>>) {
    const { NO_COLOR, TERM, COLUMNS } = environment;
    this.#output = output;
    this.colours = output.isTTY && (NO_COLOR ?? "") === "" && TERM !== "dumb";
    const asked = /^\d{1,4}$/.test(COLUMNS ?? "") ? Number(COLUMNS) : undefined;
    this.width = Math.max(40, output.columns ?? asked ?? 100);
  }

  ink(ink: Ink, text: string): string {
    return this.colours ? `\u001b[${COLOURS[ink]}m${text}\u001b[0m` : text;
  }

  /** Writes text of this program as it is. */
  raw(text: string): void {
    this.#output.write(text);
  }

  /** Writes a line. Control characters, which a log or a file could smuggle in, are made visible. */
  line(text = "", ink?: Ink): void {
    const clean = safe(text);
    this.#output.write(`${ink === undefined ? clean : this.ink(ink, clean)}\n`);
  }

  /** A line of pieces with inks of their own. */
  inked(...pieces: readonly (string | readonly [Ink, string])[]): void {
    const text = pieces.map((piece) => (typeof piece === "string" ? safe(piece) : this.ink(piece[0], safe(piece[1]))));
    this.#output.write(`${text.join("")}\n`);
  }

  /** A paragraph, wrapped at words. */
  paragraph(text: string, indent = "", first = indent): void {
    const width = this.width - Math.max(indent.length, first.length);
    for (const [i, line] of wrap(text, width, "").entries()) this.line((i === 0 ? first : indent) + line);
  }

  /** Where an evidence file is, and how to judge it: never broken over lines, so that it can be copied. */
  evidence(path: string): void {
    this.line(`  Evidence: ${path}`);
    this.line(`  Anyone can judge it, offline: kt evidence ${path}`);
  }

  /** Names and values, the values aligned. */
  facts(rows: readonly (readonly [string, string])[]): void {
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows)
      for (const [i, part] of wrap(value, this.width - width - 4, "").entries())
        this.inked("  ", ["dim", (i === 0 ? name : "").padEnd(width)], "  ", part);
  }
}

/** Makes control and direction-changing characters visible. */
export function safe(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, "0")}`,
  );
}

/** Breaks text at blanks; words that are longer than a line are cut. */
export function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  const limit = Math.max(8, width);
  for (const word of text.split(" ")) {
    let rest = word;
    if (line !== "" && line.length + 1 + rest.length > limit) {
      lines.push(line);
      line = indent;
    } else if (line !== "") line += " ";
    while (line.length + rest.length > limit) {
      const room = limit - line.length;
      lines.push(line + rest.slice(0, room));
      rest = rest.slice(room);
      line = indent;
    }
    line += rest;
  }
  return [...lines, line];
}
