import { createHash, randomBytes } from "node:crypto";
import {
  defaultPolicy,
  encodePolicy,
  PolicyError,
  policyDigest,
  readPolicy,
  type ValidationPolicy,
  type Weakening,
  weakenings,
} from "@mls-as/mls-credentials";
import { fromBase64Url, toBase64Url, toHex, utf8 } from "../binary-text.js";
import type { CertificationAuthorities } from "../ca/development-ca.js";
import { driveIntent } from "../issuance/intent-driver.js";
import { type IssuanceContext, journalWhenFree } from "../issuance/issue.js";
import { Problem } from "../problem.js";
import type { SigningKey } from "@mls-as/signers";

export interface PolicyContext extends IssuanceContext {
  readonly authorities: CertificationAuthorities;
  /** Ed25519, role `policy`. */
  readonly policyKey: SigningKey;
}

/** A policy as it is served: signed, and logged before. */
export interface PublishedPolicy {
  /** Compact JWS; its payload is the policy, byte for byte. */
  readonly jws: string;
  readonly policy: ValidationPolicy;
  /** base64url SHA-256 of the payload. */
  readonly digest: string;
  /** Version of the label. */
  readonly version: number;
}

/** The label that policies of a domain are logged under. */
export function policyLabel(domain: string): string {
  return `policy:${domain}`;
}

function payloadOf(jws: string): Uint8Array {
  return fromBase64Url(jws.split(".")[1] ?? "") ?? new Uint8Array();
}

/** The policy that the log holds; undefined before the first is logged. */
export async function currentPolicy({ store, config }: PolicyContext): Promise<PublishedPolicy | undefined> {
  const latest = (await store.label(policyLabel(config.domain)))?.latest;
  if (latest === undefined) return undefined;
  const jws = new TextDecoder().decode(latest.value);
  const payload = payloadOf(jws);
  return { jws, policy: readPolicy(payload), digest: toBase64Url(policyDigest(payload)), version: latest.version };
}

async function signPolicy(key: SigningKey, payload: Uint8Array): Promise<string> {
  const header = toBase64Url(utf8(JSON.stringify({ alg: "EdDSA", kid: key.id, typ: "mls-validation-policy+jws" })));
  const input = `${header}.${toBase64Url(payload)}`;
  return `${input}.${toBase64Url(await key.sign(utf8(input)))}`;
}

/** Logs a signed policy as the next version of its label; it is served from then on. @throws Problem */
async function publish(
  context: PolicyContext,
  payload: Uint8Array,
  actor: string,
  accepted: readonly Weakening[],
): Promise<void> {
  const label = policyLabel(context.config.domain);
  const value = utf8(await signPolicy(context.policyKey, payload));
  const digest = toBase64Url(policyDigest(payload));
  await context.queue.run(label, async () => {
    const intent = await journalWhenFree(context, label, async (view) => {
      const id = toHex(randomBytes(16));
      return {
        change: {
          intent: {
            id,
            label,
            kind: "policy",
            origin: "enrolment",
            idempotencyKey: `policy:${digest}`,
            requestHash: toHex(createHash("sha256").update(payload).digest()),
            addition: undefined,
            version: view.latest === undefined ? 0 : view.latest.version + 1,
            value,
            createdAt: context.now(),
          },
          view,
          credentials: [],
          nonce: undefined,
          tokenHash: undefined,
          reliesOn: [],
        },
        audit: { actor, action: "policy-decided", subject: label, detail: { intent: id, digest, accepted } },
      };
    });
    await driveIntent(context, intent);
  });
}

/** Publishes the default policy for this domain where none was published. @throws Problem */
export async function ensurePolicy(context: PolicyContext): Promise<void> {
  if ((await currentPolicy(context)) !== undefined) return;
  const anchors = context.authorities.roots.map(({ certificate }) => toBase64Url(certificate));
  const trust = defaultPolicy({ [context.config.domain]: { anchors, logId: toBase64Url(context.logId) } });
  // What the service itself applies, so that nobody is told anything else.
  const { renewalByKey, retention } = context.config;
  const policy = { ...trust, keyOnlyRenewals: renewalByKey, retention };
  await publish(context, encodePolicy(policy), "system", []);
}

/**
 * Replaces the policy. Its sequence and the digest of its predecessor are filled in here; what weakens protection must be
 * named in `accept`.
 *
 * @throws Problem `policy-invalid`, `policy-weakens`
 */
export async function replacePolicy(
  context: PolicyContext,
  changes: Readonly<Record<string, unknown>>,
  accept: readonly string[],
): Promise<PublishedPolicy> {
  const current = await currentPolicy(context);
  if (current === undefined)
    throw new Problem("policy-pending", "The first policy is not logged yet.", { retryAfter: 5 });
  const next = { ...current.policy, ...changes, sequence: current.policy.sequence + 1, previous: current.digest };
  const payload = encodePolicy(next as ValidationPolicy);
  const weaker = judge(payloadOf(current.jws), payload);
  const missing = weaker.filter((one) => !accept.includes(one));
  if (missing.length > 0)
    throw new Problem("policy-weakens", `This weakens ${missing.join(", ")}.`, {
      path: "accept",
      section: "Validation policy",
    });
  await publish(context, payload, "operator", weaker);
  const published = await currentPolicy(context);
  if (published === undefined) throw new Problem("policy-pending", "The policy is not logged yet.", { retryAfter: 5 });
  return published;
}

function judge(previous: Uint8Array, next: Uint8Array): readonly Weakening[] {
  try {
    readPolicy(next);
    return weakenings(previous, next);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new Problem("policy-invalid", error.message, {
      path: `changes.${error.path}`,
      section: "Validation policy",
      cause: error,
    });
  }
}
