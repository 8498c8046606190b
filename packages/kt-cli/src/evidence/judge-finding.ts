import { nodeSuite } from "@mls-as/keytrans/node";
import {
  defaultPolicy,
  encodePolicy,
  type Finding,
  FINDING_KINDS,
  fromBase64Url,
  isUserUri,
  judgeFinding,
  PolicyError,
  type PreparedPolicy,
  parseUserUri,
  preparePolicy,
  toBase64Url,
} from "@mls-as/mls-credentials";
import { nodeProvider } from "@mls-as/mls-core/node";
import type { Context } from "../context.js";
import { Failure } from "../failure.js";
import { readBytes } from "../json-file.js";
import { confirmed, type Opinion, proven, unfounded } from "./judgement.js";

const ASSUMPTIONS: Readonly<Record<string, string>> = {
  sighted: "that the credential really stood in that group, or came in that KeyPackage, by then",
  served:
    "that the log really served these lists or heads, as the newest where that matters: they carry no proof of it",
  "not-mine": "that the user did not do it: only the user can say what is theirs",
  asked: "that the log was really asked, and did not answer",
};

/** Whether a JSON value is a finding of the ghost detector, or an object that holds one. */
export function findingIn(value: unknown): Finding | undefined {
  const candidate = (value as { finding?: unknown } | null)?.finding ?? value;
  const { kind, user, evidence } = (candidate ?? {}) as Partial<Finding>;
  const known = (FINDING_KINDS as readonly unknown[]).includes(kind);
  return known && typeof user === "string" && typeof evidence === "object" ? (candidate as Finding) : undefined;
}

/**
 * Judges a finding of the ghost detector from its bytes, under the policy of the accused's domain. Without a policy file
 * the log is the one whose id is `logId`, and no certificate chain can be checked. @throws Failure
 */
export async function judgeFindingFile(
  context: Context,
  finding: Finding,
  policyFile: string | undefined,
  logId: Uint8Array | undefined,
): Promise<Opinion> {
  const policy = policyFile === undefined ? bare(finding, logId) : await readPolicyFile(context, policyFile);
  let verdict: Awaited<ReturnType<typeof judgeFinding>>;
  try {
    verdict = await judgeFinding(finding, {
      policy,
      provider: nodeProvider,
      suite: (id) => {
        if (id !== 1 && id !== 2) throw new Failure("file-malformed", `unknown cipher suite ${id}`);
        return nodeSuite(id);
      },
    });
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("file-malformed", error instanceof Error ? error.message : String(error), { cause: error });
  }
  const about = `${finding.kind} about ${finding.user}${finding.client === undefined ? "" : `, ${finding.client}`}: ${finding.detail}`;
  if (verdict.standing === "unsupported") return unfounded(about, `${verdict.reason}.`);
  if (verdict.standing === "proven") return proven(finding.kind, about, "Keys and bytes alone show it.");
  const assumed = verdict.assumes.map((each) => ASSUMPTIONS[each] ?? each).join("; ");
  return confirmed(finding.kind, about, `The bytes show it, if one believes ${assumed}.`);
}

function bare({ user }: Finding, logId: Uint8Array | undefined): PreparedPolicy {
  const domain = isUserUri(user) ? parseUserUri(user).domain : "unknown.invalid";
  return preparePolicy(
    encodePolicy(defaultPolicy({ [domain]: { anchors: [], logId: toBase64Url(logId ?? new Uint8Array(32)) } })),
  );
}

/** A policy's JSON payload, or the JWS that an AS serves; its signature is not looked at: you name the policy you trust. */
async function readPolicyFile(context: Context, path: string): Promise<PreparedPolicy> {
  const bytes = await readBytes(context, path);
  const text = new TextDecoder().decode(bytes).trim();
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(text)?.[1];
  try {
    return preparePolicy(payload === undefined ? bytes : (fromBase64Url(payload) ?? bytes));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new Failure("file-malformed", `${path}: ${error.message}`, { path, reason: error.code });
  }
}
