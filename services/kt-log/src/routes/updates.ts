import { UpdateRequest } from "@mls-as/keytrans";
import type { UpdatePlan } from "@mls-as/keytrans/prover";
import { withSpan } from "@mls-as/service-runtime";
import { tryDecode } from "@mls-as/tls-codec";
import type { LogApp } from "./log-app.js";
import { assertAudited } from "../auditor-tree-head.js";
import type { Context } from "../context.js";
import { forwardUpdate } from "../forward.js";
import { Problem } from "../problem.js";
import { assertWitnessed } from "../witnessing/witness-lag.js";
import type { Admission } from "./admission.js";
import { binary, binaryBody } from "./binary.js";

/** The two kinds of update: a user's, and in third-party management the one that the Service Operator signed. */
interface UpdateKind {
  readonly path: string;
  plan(context: Context, request: Uint8Array): Promise<UpdatePlan>;
  answer(context: Context, request: Uint8Array): Promise<Uint8Array>;
}

const KINDS: readonly UpdateKind[] = [
  {
    path: "/v1/update",
    plan: ({ prover }, request) => prover.planUpdate(request),
    answer: ({ prover }, request) => prover.answerUpdate(request),
  },
  {
    path: "/v1/manager-update",
    plan: ({ prover }, request) => prover.planManagerUpdate(request),
    answer: ({ prover }, request) => prover.answerManagerUpdate(request),
  },
];

/** `Prefer: return=minimal` (RFC 7240, "The return=representation and return=minimal Preferences"). */
const prefersMinimal = (prefer: string | undefined): boolean =>
  prefer?.split(",").some((part) => /^return\s*=\s*"?minimal"?$/i.test(part.split(";")[0]?.trim() ?? "")) ?? false;

/** An update without values writes nothing: it tells of versions that exist (draft, "Updating a Label"). */
function onlyAsks(path: string, body: Uint8Array): boolean {
  if (path !== "/v1/update") return false;
  const decoded = tryDecode(UpdateRequest, body);
  return decoded.ok && decoded.value.values.length === 0;
}

/** Writing, for the AS alone. */
export function updateRoutes(app: LogApp, context: Context, admission: Admission): void {
  for (const kind of KINDS)
    app.post(kind.path, async (c) => {
      const body = new Uint8Array(await c.req.arrayBuffer());
      const asking = onlyAsks(kind.path, body);
      await admission.admit(c, body, { operation: asking ? "search" : "update", label: "after-last" });
      await binaryBody(c);
      if (asking) {
        await assertAudited(context);
        await assertWitnessed(context);
        return binary(await known(context, kind, body));
      }
      if (!context.leadership.leading) return forwardUpdate(context.leadership, kind.path, c.req.raw.headers, body);
      await assertAudited(context);
      const inserted = await withSpan("kt-log insert", {}, () => insert(context, kind, body));
      if (inserted && prefersMinimal(c.req.header("prefer")))
        return c.body(null, 204, { "preference-applied": "return=minimal", "cache-control": "no-store" });
      // The new entry may be the first that lies too far beyond the auditor's head.
      await assertAudited(context);
      return binary(inserted ? await kind.answer(context, body) : await known(context, kind, body));
    });
}

/**
 * Inserts new versions, durable before it returns. Repeating a request is safe. @returns whether they were inserted by this
 * request; false: the log holds later versions already, of which {@link known} tells, also when another writer came first
 */
async function insert(context: Context, kind: UpdateKind, request: Uint8Array): Promise<boolean> {
  const { sequencer, store, headMemory } = context;
  const head = await store.head();
  const last = advertisedLast(request);
  if (head !== undefined && last !== undefined) headMemory.shown(last, head);
  // Each loss of the race for a label means that it has grown, so that the next plan is answered with what there is.
  for (let attempt = 0; attempt < 4; attempt++) {
    const plan = await kind.plan(context, request);
    if (plan.kind === "answer") return false;
    if ((await sequencer.submit(plan.change)) === "inserted") return true;
  }
  throw new Problem("overloaded", "the label is being changed by too many writers", { retryAfter: 1 });
}

/** Tells of versions that the log holds beyond the request's. */
async function known(context: Context, kind: UpdateKind, request: Uint8Array): Promise<Uint8Array> {
  const plan = await kind.plan(context, request);
  const response = plan.kind === "answer" ? plan.responses[0] : undefined;
  if (response === undefined) throw new Problem("internal");
  return response;
}

/** `optional<uint64> last`, with which both kinds of update begin: the tree that the writer has seen. */
function advertisedLast(request: Uint8Array): number | undefined {
  if (request[0] !== 1 || request.length < 9) return undefined;
  const last = new DataView(request.buffer, request.byteOffset).getBigUint64(1);
  return last > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(last);
}
