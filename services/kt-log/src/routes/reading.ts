import { withSpan } from "@mls-as/service-runtime";
import { assertAudited } from "../auditor-tree-head.js";
import type { LogApp } from "./log-app.js";
import type { Context } from "../context.js";
import { assertWitnessed } from "../witnessing/witness-lag.js";
import type { Admission, AdmissionRule } from "./admission.js";
import { binary, binaryBody } from "./binary.js";

type Answer = (request: Uint8Array) => Promise<Uint8Array>;

/** What users ask: the draft's operations that write nothing. */
export function readingRoutes(app: LogApp, context: Context, admission: Admission): void {
  const { prover, metrics } = context;

  const operation = (path: string, rule: AdmissionRule | undefined, answer: Answer): void => {
    app.post(path, async (c) => {
      const body = new Uint8Array(await c.req.arrayBuffer());
      if (rule === undefined) admission.count(c);
      else await admission.admit(c, body, rule);
      const request = await binaryBody(c);
      await assertAudited(context);
      await assertWitnessed(context);
      const end = metrics.proofs.startTimer({ operation: path });
      const response = await withSpan("kt-log answer", { operation: path }, () => answer(request));
      end();
      return binary(response);
    });
  };

  app.get("/v1/configuration", () => binary(context.configurationBytes));
  app.get("/v1/tree-head", async () => binary(await prover.treeHead()));
  operation("/v1/search", { operation: "search", label: "after-last" }, (request) => prover.search(request));
  operation("/v1/distinguished", undefined, (request) => prover.distinguished(request));
  const monitor: AdmissionRule = { operation: "monitor", label: "after-last" };
  operation("/v1/owner-init", monitor, (request) => prover.ownerInit(request));
  operation("/v1/owner-monitor", monitor, (request) => prover.ownerMonitor(request));
  operation("/v1/contact-monitor", { ...monitor, byOpenings: true }, (request) => prover.contactMonitor(request));
  const credential: AdmissionRule = { operation: "search", label: "first" };
  operation("/v1/credential", credential, (request) => prover.credential(request));
  operation("/v1/credential-update", credential, (request) => prover.credentialUpdate(request));
  app.post("/v1/nonces", (c) => {
    admission.count(c);
    const { nonce, expiresAt } = context.nonces.issue();
    return c.json({ nonce, expiresAt }, 201, { "replay-nonce": nonce, "cache-control": "no-store" });
  });
}
