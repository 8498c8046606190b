import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type Certificate,
  CertificateError,
  type CertificateList,
  type GeneralName,
  type OcspResponse,
  type PathResult,
  parseCertificate,
  parseCertificateList,
  parseOcspResponse,
  validatePath,
} from "@mls-as/mls-credentials";
import { nodeProvider } from "@mls-as/mls-core/node";

/** What a runner learns of one case. */
export interface CaseOutcome {
  readonly case: string;
  readonly ok: boolean | "skipped";
  readonly detail?: string;
}

interface PeerName {
  readonly kind: "DNS" | "IP" | "RFC822" | "URI";
  readonly value: string;
}

/** A case in the JSON schema of x509-limbo, with the policy inputs of RFC 5280 as optional additions. */
export interface X509Case {
  readonly id: string;
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time: string | null;
  readonly validation_kind?: "SERVER" | "CLIENT" | null;
  readonly signature_algorithms?: readonly string[];
  readonly key_usage?: readonly string[];
  readonly extended_key_usage?: readonly string[];
  readonly expected_result: "SUCCESS" | "FAILURE";
  readonly expected_peer_name?: PeerName | null;
  readonly expected_peer_names?: readonly PeerName[];
  readonly max_chain_depth?: number | null;
  readonly crls?: readonly string[];
  readonly ocsp_responses?: readonly string[];
  readonly initial_policies?: readonly string[] | null;
  readonly require_explicit_policy?: boolean;
  readonly inhibit_policy_mapping?: boolean;
  readonly inhibit_any_policy?: boolean;
}

const PURPOSES = new Map([
  ["anyExtendedKeyUsage", "2.5.29.37.0"],
  ["serverAuth", "1.3.6.1.5.5.7.3.1"],
  ["clientAuth", "1.3.6.1.5.5.7.3.2"],
  ["codeSigning", "1.3.6.1.5.5.7.3.3"],
  ["emailProtection", "1.3.6.1.5.5.7.3.4"],
  ["timeStamping", "1.3.6.1.5.5.7.3.8"],
  ["OCSPSigning", "1.3.6.1.5.5.7.3.9"],
  ["imUri", "1.3.6.1.5.5.7.3.40"],
]);

/** Bytes of a PEM block of any label, or of bare base64. */
export function pemBytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/-----[^-]+-----/g, "").replace(/\s+/g, ""), "base64"));
}

/** Names of RFC 5280, "Inputs", for the policy inputs. */
const RFC_NAMES = new Map<string, keyof X509Case>([
  ["user_initial_policy_set", "initial_policies"],
  ["initial_policy_set", "initial_policies"],
  ["initial_explicit_policy", "require_explicit_policy"],
  ["explicit_policy", "require_explicit_policy"],
  ["initial_policy_mapping_inhibit", "inhibit_policy_mapping"],
  ["policy_mapping_inhibit", "inhibit_policy_mapping"],
  ["initial_any_policy_inhibit", "inhibit_any_policy"],
  ["any_policy_inhibit", "inhibit_any_policy"],
]);

/** Fields that are read. */
const INPUTS: ReadonlySet<string> = new Set<keyof X509Case>([
  "id",
  "trusted_certs",
  "untrusted_intermediates",
  "peer_certificate",
  "validation_time",
  "key_usage",
  "extended_key_usage",
  "expected_result",
  "expected_peer_name",
  "expected_peer_names",
  "max_chain_depth",
  "crls",
  "ocsp_responses",
  "initial_policies",
  "require_explicit_policy",
  "inhibit_policy_mapping",
  "inhibit_any_policy",
]);

/** Fields of the schema that do not bear on validation: the purposes asked for are in extended_key_usage. */
const REMARKS: ReadonlySet<string> = new Set([
  "conflicts_with",
  "features",
  "importance",
  "description",
  "validation_kind",
  "peer_certificate_key",
  "peer_name_kind",
]);

/** The case with its policy inputs under one name, and the fields that say something which is not read. */
export function readCase(raw: Readonly<Record<string, unknown>>): { testcase: X509Case; unread: string[] } {
  const fields: Record<string, unknown> = {};
  const unread: string[] = [];
  for (const [written, value] of Object.entries(raw)) {
    const name = written.replaceAll("-", "_");
    const field = RFC_NAMES.get(name) ?? name;
    const isEmpty = value === null || value === undefined || (Array.isArray(value) && value.length === 0);
    if (INPUTS.has(field) && !(isEmpty && field in fields)) fields[field] = value;
    else if (!REMARKS.has(field) && !isEmpty) unread.push(written);
  }
  return { testcase: fields as unknown as X509Case, unread };
}

/** Runs files (or folders of files) in the schema of x509-limbo and reports each case. */
export async function runX509(paths: readonly string[], report: (outcome: CaseOutcome) => void): Promise<void> {
  const notRead = new Map<string, number>();
  for (const file of paths.flatMap(jsonFiles)) {
    const suite = JSON.parse(readFileSync(file, "utf8")) as { testcases: Readonly<Record<string, unknown>>[] };
    for (const raw of suite.testcases) {
      const { testcase, unread } = readCase(raw);
      for (const field of unread) notRead.set(field, (notRead.get(field) ?? 0) + 1);
      const refusals = await judgeCase(testcase);
      const ok = (refusals.length === 0) === (testcase.expected_result === "SUCCESS");
      const detail = refusals.length === 0 ? "accepted" : refusals.join("; ");
      const without = unread.length === 0 ? "" : `; not read: ${unread.join(", ")}`;
      const shown = `expected ${testcase.expected_result}: ${detail}${without}`;
      report({ case: testcase.id, ok, ...(ok ? {} : { detail: shown }) });
    }
  }
  for (const [field, cases] of notRead)
    process.stderr.write(`the field ${field} of ${cases} cases is not known here, and was not read\n`);
}

function jsonFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => join(path, name));
}

/** Why the case's chain is refused; empty when it is accepted. */
export async function judgeCase(testcase: X509Case): Promise<string[]> {
  const validated = await validateCase(testcase);
  if ("malformed" in validated) {
    const { code, path, message } = validated.malformed;
    return [`leaf: ${code} ${path} ${message}`];
  }
  const { result, leaf } = validated;
  const refusals = result.valid ? [] : result.reasons.map(({ code, path, detail }) => `${path} ${code}: ${detail}`);
  return [...refusals, ...usageRefusals(leaf, testcase), ...nameRefusals(leaf, testcase)];
}

/** What path validation says of a case; a leaf that cannot be read is told apart. */
export async function validateCase(
  testcase: X509Case,
): Promise<{ readonly malformed: CertificateError } | { readonly result: PathResult; readonly leaf: Certificate }> {
  let leaf: Certificate;
  try {
    leaf = parseCertificate(pemBytes(testcase.peer_certificate));
  } catch (error) {
    if (error instanceof CertificateError) return { malformed: error };
    throw error;
  }
  const anchors = readable(testcase.trusted_certs, parseCertificate);
  const intermediates = readable(testcase.untrusted_intermediates, parseCertificate);
  const crls: CertificateList[] = readable(testcase.crls ?? [], parseCertificateList);
  const ocsp: OcspResponse[] = readable(testcase.ocsp_responses ?? [], parseOcspResponse);
  const hasStatus = (testcase.crls ?? []).length > 0 || (testcase.ocsp_responses ?? []).length > 0;
  const purposes = (testcase.extended_key_usage ?? []).map((name) => PURPOSES.get(name) ?? name);
  const result = await validatePath({
    leaf,
    intermediates,
    anchors,
    crls,
    ocsp,
    time: (testcase.validation_time == null ? Date.now() : Date.parse(testcase.validation_time)) / 1000,
    provider: nodeProvider,
    revocation: hasStatus ? "required" : "none",
    extendedKeyUsages: purposes,
    policies: {
      ...initialPolicies(testcase.initial_policies ?? []),
      requireExplicitPolicy: testcase.require_explicit_policy ?? false,
      inhibitPolicyMapping: testcase.inhibit_policy_mapping ?? false,
      inhibitAnyPolicy: testcase.inhibit_any_policy ?? false,
    },
    limits: testcase.max_chain_depth == null ? {} : { maxIntermediates: testcase.max_chain_depth },
  });
  return { result, leaf };
}

/** An empty list, like an absent one, leaves every policy acceptable. */
function initialPolicies(policies: readonly string[]): { initialPolicies?: string[] } {
  if (policies.length === 0) return {};
  return { initialPolicies: policies.map((policy) => (policy === "anyPolicy" ? "2.5.29.32.0" : policy)) };
}

/** What can be read; what cannot takes no part, as if it had not been given. */
function readable<T>(pems: readonly string[], parse: (der: Uint8Array) => T): T[] {
  return pems.flatMap((pem) => {
    try {
      return [parse(pemBytes(pem))];
    } catch (error) {
      if (error instanceof CertificateError) return [];
      throw error;
    }
  });
}

function usageRefusals(leaf: Certificate, { key_usage }: X509Case): string[] {
  const usages: ReadonlySet<string> | undefined = leaf.keyUsage;
  return (key_usage ?? [])
    .filter((usage) => usages !== undefined && !usages.has(usage))
    .map((usage) => `leaf has no ${usage}`);
}

/** Every expected name must be among the presented ones. */
function nameRefusals(leaf: Certificate, { expected_peer_name, expected_peer_names }: X509Case): string[] {
  const expected = [...(expected_peer_name == null ? [] : [expected_peer_name]), ...(expected_peer_names ?? [])];
  return expected
    .filter((name) => !(leaf.subjectAltName ?? []).some((presented) => matches(presented, name)))
    .map(({ kind, value }) => `leaf does not present ${kind} ${value}`);
}

function matches(presented: GeneralName, { kind, value }: PeerName): boolean {
  switch (presented.type) {
    case "dns": {
      const [name, host] = [presented.value.toLowerCase(), value.toLowerCase()];
      // A wildcard stands for exactly one label (RFC 9525, "Verification of DNS-IDs").
      return (
        kind === "DNS" && (name === host || (name.startsWith("*.") && host.slice(host.indexOf(".")) === name.slice(1)))
      );
    }
    case "ip":
      return kind === "IP" && presented.value.join(".") === addressOctets(value).join(".");
    case "email": {
      const [local, host] = value.split(/@(?=[^@]*$)/);
      const [presentedLocal, presentedHost] = presented.value.split(/@(?=[^@]*$)/);
      return kind === "RFC822" && local === presentedLocal && host?.toLowerCase() === presentedHost?.toLowerCase();
    }
    case "uri":
      return kind === "URI" && presented.value === value;
    default:
      return false;
  }
}

function addressOctets(text: string): number[] {
  if (!text.includes(":")) return text.split(".").map(Number);
  const [head = "", tail] = text.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [front, back] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - front.length - back.length }, () => 0);
  return [...front, ...zeros, ...back].flatMap((group) => [group >> 8, group & 0xff]);
}
