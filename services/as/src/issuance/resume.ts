import { logRevocations, logWithdrawals } from "../revocation/revoke.js";
import { Problem } from "../problem.js";
import { driveIntent } from "./intent-driver.js";
import type { IssuanceContext } from "./issue.js";

/** Seconds for which withdrawn credentials are looked for in the log, and the longest between two looks. */
const WATCHED = 7 * 86_400;
const LONGEST_WAIT = 600;

/**
 * Completes what was left open: by a crash, by a log that did not answer, by a revocation that did not wait. Runs at
 * start and then at an interval; each label is worked on in its queue, so that it never meets a request.
 */
export class Resumer {
  readonly #context: IssuanceContext;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  readonly #also: () => Promise<void>;
  /** When labels with withdrawn credentials are looked at next, and how long after that again; seconds. */
  readonly #looks = new Map<string, { at: number; wait: number }>();

  /** @param also what is to be attempted in every round until it succeeds once, and then costs nothing */
  constructor(context: IssuanceContext, also: () => Promise<void> = async () => {}) {
    this.#context = context;
    this.#also = also;
  }

  start(): void {
    this.#schedule(0);
  }

  #schedule(delay: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.runOnce().finally(() => this.#schedule(this.#context.config.resumeInterval));
    }, delay);
  }

  /** One look at everything that is open. Never rejects. */
  async runOnce(): Promise<void> {
    const { store, queue, now } = this.#context;
    try {
      await store.prune(now());
      const open = await store.openIntents();
      await Promise.all(
        open.map((intent) =>
          queue.run(intent.label, async () => {
            const current = await store.intent(intent.id);
            if (current !== undefined) await this.#attempt(intent.label, () => driveIntent(this.#context, current));
          }),
        ),
      );
      await this.#attempt("policy", this.#also);
      const labels = await store.labelsToRevoke();
      await Promise.all(labels.map((label) => this.#attempt(label, () => logRevocations(this.#context, label))));
      await this.#watchWithdrawn();
    } catch (error) {
      this.#context.alarm("resume-failed", { reason: String(error) });
    }
  }

  /** A log that declined a change may show it later all the same: it is looked at again, at growing intervals. */
  async #watchWithdrawn(): Promise<void> {
    const { store, now } = this.#context;
    const labels = await store.withdrawnLabels(now() - WATCHED);
    for (const label of this.#looks.keys()) if (!labels.includes(label)) this.#looks.delete(label);
    for (const label of labels) {
      const { at, wait } = this.#looks.get(label) ?? { at: 0, wait: 1 };
      if (now() < at) continue;
      await this.#attempt(label, () => logWithdrawals(this.#context, label));
      this.#looks.set(label, { at: now() + wait, wait: Math.min(wait * 2, LONGEST_WAIT) });
    }
  }

  async #attempt(label: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // A Problem has been reported where it arose, and the next round tries again.
      if (!(error instanceof Problem)) this.#context.alarm("resume-failed", { label, reason: String(error) });
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
