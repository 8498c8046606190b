import { RateLimit } from "@mls-as/service-runtime";
import type { Context as HonoContext } from "hono";
import type { Caller, Operation } from "../access/access-policy.js";
import { OPENINGS_HEADER, showsOpenings } from "../access/commitment-openings.js";
import type { Context } from "../context.js";
import { Problem } from "../problem.js";
import { callerAddress } from "./caller-address.js";
import { requestLabel } from "../request-label.js";

/** How a request names its label. */
export type LabelPlace = "after-last" | "first" | "nowhere";

export interface AdmissionRule {
  readonly operation: Operation;
  readonly label: LabelPlace;
  /** Whether showing the commitment openings is enough. */
  readonly byOpenings?: boolean;
}

/** The URL that a caller must have meant. The `Host` header does not say: a server that a device talks to could write it. */
function urlOf(c: HonoContext, ownUrl: string | undefined): string | undefined {
  const { pathname, search } = new URL(c.req.url);
  return ownUrl === undefined ? undefined : `${ownUrl.replace(/\/+$/, "")}${pathname}${search}`;
}

/** Lets callers in: first by who they are, then by how much they ask, and only then is a label looked at. */
export class Admission {
  readonly #context: Context;
  readonly #callers: RateLimit;
  readonly #labels: RateLimit;
  readonly #ownUrl: () => string | undefined;

  /** @param ownUrl where callers reach the log; undefined: no request can be signed for it */
  constructor(context: Context, ownUrl: () => string | undefined) {
    this.#context = context;
    this.#ownUrl = ownUrl;
    const { config, clock } = context;
    this.#callers = new RateLimit({ perSecond: config.callerRate, burst: 4 * config.callerRate }, clock);
    this.#labels = new RateLimit({ perSecond: config.labelRate, burst: 4 * config.labelRate }, clock);
  }

  /**
   * Who made a request, where the policy admits it. Refusals are the same for every label, known or not.
   * @throws Problem unauthorized, rate-limited
   */
  async admit(c: HonoContext, body: Uint8Array, rule: AdmissionRule): Promise<Caller> {
    const { access, config } = this.#context;
    const address = `address ${callerAddress(c, config.callerHeader)}`;
    const ownUrl = this.#ownUrl();
    const authorization = c.req.header("authorization");
    // Who has used up an address' share does not get another signature verified.
    const wait = this.#callers.wait(address);
    const caller =
      wait > 0 && authorization?.startsWith("MLS-JWS ") === true
        ? undefined
        : await access.admit({
            operation: rule.operation,
            authorization,
            get url() {
              return urlOf(c, ownUrl);
            },
            body,
          });
    if (caller?.writer === true) return caller;
    this.#take(this.#callers, caller?.identity ?? address);
    if (caller === undefined && !(await this.#byOpenings(c, body, rule))) throw new Problem("unauthorized");
    const label = rule.label === "nowhere" ? undefined : requestLabel(body, rule.label === "first");
    if (label !== undefined) this.#take(this.#labels, Buffer.from(label).toString("latin1"));
    return caller ?? { identity: undefined, writer: false };
  }

  /** Counts a request that is about no label. @throws Problem rate-limited */
  count(c: HonoContext): void {
    this.#take(this.#callers, `address ${callerAddress(c, this.#context.config.callerHeader)}`);
  }

  async #byOpenings(c: HonoContext, body: Uint8Array, rule: AdmissionRule): Promise<boolean> {
    return rule.byOpenings === true && showsOpenings(this.#context.store, c.req.header(OPENINGS_HEADER), body);
  }

  #take(limiter: RateLimit, key: string): void {
    const retryAfter = limiter.take(key);
    if (retryAfter > 0) throw new Problem("rate-limited", undefined, { retryAfter });
  }
}
