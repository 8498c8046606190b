import type { Context } from "../context.js";
import { Paper } from "./paper.js";
import { countText, durationText } from "./time-text.js";

const EVERY = 500;
const EVERY_LINE = 10_000;

/** Tells on stderr how far a long run has come, how fast it goes and when it will end. */
export class Progress {
  readonly #context: Context;
  readonly #paper: Paper;
  readonly #start: number;
  readonly #from: number;
  #shown: number;

  constructor(context: Context, from: number) {
    this.#context = context;
    this.#paper = new Paper(context.stderr, context.environment);
    this.#start = context.clock();
    this.#shown = this.#start;
    this.#from = from;
  }

  /** A redrawn line on terminals; elsewhere a new line every ten seconds. */
  tell(done: number, total: number, what: string): void {
    const now = this.#context.clock();
    const { isTTY } = this.#context.stderr;
    if (now - this.#shown < (isTTY ? EVERY : EVERY_LINE)) return;
    this.#shown = now;
    const rate = ((done - this.#from) * 1000) / Math.max(1, now - this.#start);
    const left = rate > 0 ? durationText(((total - done) * 1000) / rate) : "unknown";
    const percent = total === 0 ? 100 : Math.floor((done * 100) / total);
    const text = `${what} ${countText(done)} of ${countText(total)} (${percent} %), ${countText(Math.round(rate))}/s, ${left} left`;
    this.#context.stderr.write(isTTY ? `\r${text.slice(0, this.#paper.width - 1)}\u001b[K` : `${text}\n`);
  }

  /** Clears the line. */
  end(): void {
    if (this.#context.stderr.isTTY && this.#shown !== this.#start) this.#context.stderr.write("\r\u001b[K");
  }
}
