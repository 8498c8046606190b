/** Shows how far a long command is and how fast it goes, on a terminal; a line every ten seconds elsewhere. */
export class Progress {
  readonly #quiet: boolean;
  readonly #terminal = process.stderr.isTTY;
  #shown = Date.now();
  #stage: string | undefined;
  #begun = { done: 0, at: 0 };
  #open = false;

  constructor(quiet: boolean) {
    this.#quiet = quiet;
  }

  report(done: number, total: number, stage: string): void {
    const now = Date.now();
    if (stage !== this.#stage) {
      this.#stage = stage;
      this.#begun = { done, at: now };
    }
    if (this.#quiet || now - this.#shown < (this.#terminal ? 250 : 10_000)) return;
    this.#shown = now;
    const seconds = Math.max(0.001, (now - this.#begun.at) / 1000);
    const rate = Math.round((done - this.#begun.done) / seconds);
    const line = `${stage}: ${done} of ${total} (${Math.floor((100 * done) / Math.max(1, total))} %), ${rate} a second`;
    process.stderr.write(this.#terminal ? `\r${line}   ` : `${line}\n`);
    this.#open = this.#terminal;
  }

  end(): void {
    if (this.#open) process.stderr.write("\n");
    this.#open = false;
  }
}
