import { styleText } from "node:util";

/** Tells the demo: in words on a terminal, or not at all when a program reads the result. */
export interface Narrator {
  /** Opens a chapter. */
  chapter(title: string): void;
  /** One thing that happened, with how long it took when it was measured. */
  tell(text: string, ms?: number): void;
  /** A defence that worked. */
  good(text: string, ms?: number): void;
  /** What the attacker did. */
  attack(text: string): void;
}

export const silentNarrator: Narrator = { chapter: () => {}, tell: () => {}, good: () => {}, attack: () => {} };

/** Colour only where the stream shows it, and never with NO_COLOR. */
export function terminalNarrator(stream: NodeJS.WriteStream): Narrator {
  const colour = stream.isTTY && process.env["NO_COLOR"] === undefined;
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(format, text) : text;
  const time = (ms: number | undefined): string => (ms === undefined ? "" : paint("dim", `  ${ms.toFixed(0)} ms`));
  const line = (text: string): void => {
    stream.write(`${text}\n`);
  };
  return {
    chapter: (title) => line(`\n${paint("bold", title)}`),
    tell: (text, ms) => line(`  · ${text}${time(ms)}`),
    good: (text, ms) => line(`  ${paint("green", "✔")} ${text}${time(ms)}`),
    attack: (text) => line(`  ${paint("red", "✘")} ${paint("red", text)}`),
  };
}

/** Runs `action` and returns its result with the milliseconds it took. */
export async function timed<T>(action: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const started = performance.now();
  const result = await action();
  return { result, ms: performance.now() - started };
}
