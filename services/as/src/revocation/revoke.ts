import { randomBytes } from "node:crypto";
import { toHex } from "../binary-text.js";
import { failpoint } from "../failpoint.js";
import { nextDeviceList } from "../issuance/device-list-version.js";
import { driveIntent, lookAtLabel } from "../issuance/intent-driver.js";
import { type IssuanceContext, journalWhenFree } from "../issuance/issue.js";
import { revocationsToShow, withdrawnButActive } from "../issuance/withdrawn-credentials.js";
import { Problem } from "../problem.js";
import type { LabelView, RevocationOrigin, StoredCredential } from "../storage/store.js";

/** CRLReason values that may be asked for (RFC 5280, "Reason Code"), by their names. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const;
export type RevocationReason = keyof typeof REVOCATION_REASONS;

/** The name of a stored reason. */
export function reasonName(code: number): RevocationReason {
  const found = Object.entries(REVOCATION_REASONS).find(([, value]) => value === code);
  return (found?.[0] ?? "unspecified") as RevocationReason;
}

export interface RevocationRequest {
  readonly ids: readonly string[];
  readonly reason: RevocationReason;
  readonly origin: RevocationOrigin;
  /** `operator` or the client URI of a device. */
  readonly actor: string;
  readonly subject: string;
}

/** Milliseconds that a caller waits for the log before the answer is "not yet". */
const PATIENCE = 3_000;

/**
 * Revokes at once (CRL, OCSP, this service), then tells the log. Resolves when the log holds it or patience ends; what
 * is left is completed in the background.
 *
 * @returns the credentials as they stand
 */
export async function revokeCredentials(
  context: IssuanceContext,
  request: RevocationRequest,
): Promise<readonly StoredCredential[]> {
  const { ids, reason, origin, actor, subject } = request;
  const cause = { reason: REVOCATION_REASONS[reason], origin, block: reason === "keyCompromise" };
  const revoked = await context.store.revoke(ids, cause, context.now(), {
    actor,
    action: "credentials-revoked",
    subject,
    detail: { reason, credentials: ids },
  });
  failpoint("revoked");
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE);
  });
  const logging = logRevocations(context, subject).catch((error: unknown) => {
    if (!(error instanceof Problem)) context.alarm("revocation-not-logged", { label: subject, reason: String(error) });
  });
  await Promise.race([logging, patience]);
  clearTimeout(timer);
  const after: StoredCredential[] = [];
  for (const id of revoked) {
    const credential = await context.store.credential(id);
    if (credential !== undefined) after.push(credential);
  }
  return after;
}

/** Makes the revocations of a user that the log does not hold yet its next version. @throws Problem */
export async function logRevocations(context: IssuanceContext, label: string): Promise<void> {
  await context.queue.run(label, async () => {
    const known = await context.store.label(label);
    if (known !== undefined && (await revocationsToShow(context, label, known.latest)).length > 0)
      await logNextVersion(context, label, undefined);
  });
}

/** Looks whether the log shows credentials that were withdrawn here, and has them logged as revoked. @throws Problem */
export async function logWithdrawals(context: IssuanceContext, label: string): Promise<void> {
  await context.queue.run(label, async () => {
    const seen = await lookAtLabel(context, label);
    const stray = await withdrawnButActive(context.store, label, seen.latest);
    if (stray.length === 0) return;
    context.alarm("withdrawn-but-logged", { label, credentials: stray });
    await logNextVersion(context, label, seen);
  });
}

/** The caller holds the label. @param seen what the log shows of it, where it was just looked at */
async function logNextVersion(context: IssuanceContext, label: string, seen: LabelView | undefined): Promise<void> {
  const intent = await journalWhenFree(context, label, async (known) => {
    const view = (seen?.latest?.version ?? -1) > (known.latest?.version ?? -1) ? (seen ?? known) : known;
    const revoked = await revocationsToShow(context, label, view.latest);
    const owner = revoked.length > 0 && revoked.every(({ revocation }) => revocation?.origin === "ownerRevocation");
    const origin = owner ? "ownerRevocation" : "operatorRevocation";
    const now = context.now();
    const next = nextDeviceList(
      view.latest,
      { label, origin, addition: undefined, revoked },
      now,
      context.config.retention,
    );
    const id = toHex(randomBytes(16));
    return {
      change: {
        intent: {
          id,
          label,
          origin,
          kind: "revoke",
          idempotencyKey: `revocation:${id}`,
          requestHash: "",
          addition: undefined,
          version: next.version,
          value: next.value,
          createdAt: now,
        },
        view,
        credentials: [],
        nonce: undefined,
        tokenHash: undefined,
        reliesOn: [],
      },
      audit: {
        actor: "system",
        action: "revocation-journaled",
        subject: label,
        detail: { intent: id, credentials: revoked.map((one) => one.id) },
      },
    };
  });
  failpoint("revocation-journaled");
  await driveIntent(context, intent);
}
