import type { DeviceApproval } from "@mls-as/mls-credentials";
import { decodeDeviceList } from "@mls-as/mls-credentials";
import type { EnrolmentPolicy, ProofKind } from "../config.js";
import { Problem } from "../problem.js";
import type { LabelView, Store } from "../storage/store.js";
import { type ApprovalContext, checkApproval } from "./approvals.js";
import type { EnrolledDevice } from "./enrolled-device.js";
import type { CheckProviderToken } from "./provider-token.js";
import { checkToken } from "./tokens.js";

/** What a request shows beside possession of its key. */
export interface PresentedProofs {
  readonly token?: string | undefined;
  /** TLS DeviceApproval, one for each key of the request, in order. */
  readonly approvals?: readonly Uint8Array[] | undefined;
  readonly idToken?: string | undefined;
  readonly accessToken?: string | undefined;
}

export interface AcceptedProofs {
  readonly kinds: readonly ProofKind[];
  readonly tokenHash: string | undefined;
  /** One for each key, or none at all. */
  readonly approvals: readonly DeviceApproval[];
  /** Ids of the approving credentials. */
  readonly approvers: readonly string[];
}

export interface ProofContext extends Omit<ApprovalContext, "now" | "approvalLifetime"> {
  readonly config: { readonly approvalLifetime: number };
  readonly store: Store;
  readonly policy: EnrolmentPolicy;
  readonly checkProviderToken: CheckProviderToken | undefined;
}

/** How a user stands before a change. */
export type Standing = "new" | "has-active-device" | "lost-all-devices";

/** Whether another device of the user is active; `client` itself does not count, it may be enrolling anew. */
export function standingOf(latest: LabelView["latest"], client: string, now: number): Standing {
  if (latest === undefined) return "new";
  const { devices } = decodeDeviceList(latest.value);
  const active = (device: (typeof devices)[number]): boolean =>
    device.credentials.some((record) => record.status === "active" && record.notAfter > BigInt(now));
  if (devices.some((device) => device.client !== client && active(device))) return "has-active-device";
  if (devices.some(active)) return "new";
  return devices.length === 0 ? "new" : "lost-all-devices";
}

/**
 * Checks every proof that was sent, and that together they satisfy the policy: a proof that does not hold is refused
 * even where the others would do.
 *
 * @throws Problem
 */
export async function checkProofs(
  context: ProofContext,
  proofs: PresentedProofs,
  device: EnrolledDevice,
  latest: LabelView["latest"],
  now: number,
): Promise<AcceptedProofs> {
  const kinds: ProofKind[] = [];
  let tokenHash: string | undefined;
  if (proofs.token !== undefined) {
    tokenHash = await checkToken(context.store, proofs.token, device, now);
    kinds.push("token");
  }
  for (const [kind, token] of [["id", proofs.idToken] as const, ["access", proofs.accessToken] as const]) {
    if (token === undefined) continue;
    if (context.checkProviderToken === undefined)
      throw new Problem("enrolment-proof-unsupported", "No OpenID provider is set up here.", {
        path: `enrolment.${kind}Token`,
      });
    await context.checkProviderToken({ kind, token }, device, now);
    kinds.push("oidc");
  }
  const approvals: DeviceApproval[] = [];
  const approvers = new Set<string>();
  if (proofs.approvals !== undefined) {
    if (proofs.approvals.length !== device.spkiHashes.length)
      throw new Problem("approval-mismatch", "There must be one approval for each key.", {
        path: "enrolment.approval",
      });
    for (const [i, encoded] of proofs.approvals.entries()) {
      const approved = { user: device.user, client: device.client, spkiHash: device.spkiHashes[i] as Uint8Array };
      const { approvalLifetime } = context.config;
      const judged = { ...context, now, approvalLifetime };
      const { approval, approver } = await checkApproval(judged, encoded, approved, latest, "enrolment.approval");
      approvals.push(approval);
      approvers.add(approver);
    }
    kinds.push("approval");
  }
  const further = standingOf(latest, device.client, now) === "has-active-device";
  const accepted = further ? context.policy.further : context.policy.first;
  if (!accepted.some((required) => required.every((kind) => kinds.includes(kind)))) {
    const wanted = accepted.map((required) => required.join(" and ")).join(", or ");
    throw new Problem("enrolment-proof-required", `Needed: ${wanted}.`, { path: "enrolment", section: "HTTP" });
  }
  return { kinds, tokenHash, approvals, approvers: [...approvers] };
}
