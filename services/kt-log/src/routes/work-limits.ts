import { bearerToken, isSecret, limitBody } from "@mls-as/service-runtime";
import type { Context as HonoContext } from "hono";
import type { Context } from "../context.js";
import { Problem } from "../problem.js";
import { callerAddress } from "./caller-address.js";
import type { LogApp } from "./log-app.js";

/** Answers that an operator or a load balancer needs above all when the service is busy. */
const NEVER_BUSY: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);
/** Bodies on their way for each request that may be answered at once: waiting for octets costs little. */
const ARRIVING = 8;
/** Of the bodies on their way, one caller's. */
const SHARE = 1 / 32;

/**
 * Bounds how many bodies are on their way, and how many requests are being answered. A request counts as being answered
 * when it is here as a whole, so that nobody keeps others out by sending slowly. The writer has no bound: its updates wait
 * in a queue that has one, and what it writes must not depend on how busy readers are.
 */
export function limitWork(app: LogApp, context: Context): void {
  const { config } = context;
  const arriving = new Arriving(config.maxUnderWay);
  const limit = limitBody({
    maxSize: config.maxBodyBytes,
    onError: () => {
      throw new Problem("body-too-large", `bodies have at most ${config.maxBodyBytes} bytes`);
    },
  });
  const receive = async (c: HonoContext): Promise<void> => {
    await limit(c, async () => {
      await c.req.arrayBuffer();
    });
  };
  let underWay = 0;
  app.use(async (c, next) => {
    const authorization = c.req.header("authorization");
    const isWriter = authorization !== undefined && isSecret(bearerToken(authorization), context.writerTokenHash);
    if (c.req.method === "POST") {
      const leave = isWriter ? undefined : arriving.enter(callerAddress(c, config.callerHeader));
      try {
        await receive(c);
      } catch (error) {
        if (error instanceof Problem) throw error;
        // Only the caller can have ended it, by leaving or by taking too long.
        context.logger.debug({ requestId: c.get("requestId") }, "a body did not arrive");
        throw new Problem("malformed", "the body did not arrive as a whole");
      } finally {
        leave?.();
      }
    }
    if (NEVER_BUSY.has(c.req.path)) return next();
    if (underWay >= config.maxUnderWay && !isWriter)
      throw new Problem("overloaded", `${underWay} requests are being answered`, { retryAfter: 1 });
    underWay++;
    try {
      await next();
    } finally {
      underWay--;
    }
  });
}

/** Bodies on their way, by caller. */
class Arriving {
  readonly #most: number;
  readonly #share: number;
  readonly #byCaller = new Map<string, number>();
  #all = 0;

  constructor(maxUnderWay: number) {
    this.#most = ARRIVING * maxUnderWay;
    this.#share = Math.max(4, Math.ceil(this.#most * SHARE));
  }

  /** Counts one until the function given back is called. @throws Problem overloaded, rate-limited */
  enter(caller: string): () => void {
    const own = this.#byCaller.get(caller) ?? 0;
    if (own >= this.#share)
      throw new Problem("rate-limited", `${own} bodies of yours are on their way`, { retryAfter: 1 });
    if (this.#all >= this.#most)
      throw new Problem("overloaded", `${this.#all} bodies are on their way`, { retryAfter: 1 });
    this.#all++;
    this.#byCaller.set(caller, own + 1);
    return () => {
      this.#all--;
      const left = (this.#byCaller.get(caller) ?? 1) - 1;
      if (left > 0) this.#byCaller.set(caller, left);
      else this.#byCaller.delete(caller);
    };
  }
}
