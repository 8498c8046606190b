import { resetSerials } from "./certificate-builder.js";
import { crlScopeCases } from "./cases/crl-scopes.js";
import { crlSignerCases } from "./cases/crl-signers.js";
import { fieldCases } from "./cases/fields.js";
import { nameCases } from "./cases/names.js";
import { ocspResponderCases } from "./cases/ocsp-responders.js";
import { ownFlawCases } from "./cases/own-flaws.js";
import { pathCases } from "./cases/paths.js";
import { revocationCases } from "./cases/revocation.js";
import { rolloverCases } from "./cases/rollover.js";
import { signatureCases } from "./cases/signatures.js";
import { statusCases } from "./cases/status.js";
import { subtreeCases } from "./cases/subtrees.js";
import type { CaseInput } from "./world.js";

const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n").trimEnd()}\n-----END ${label}-----\n`;
const certificatePem = (der: Uint8Array): string => pem("CERTIFICATE", der);

/** The corpus in the JSON schema of x509-limbo with policy inputs and OCSP responses; the same bytes every time. */
export function corpus(): { version: number; testcases: Record<string, unknown>[] } {
  resetSerials();
  const testcases: Record<string, unknown>[] = [];
  const seen = new Set<string>();
  const add = (id: string, expected: "SUCCESS" | "FAILURE", description: string, build: () => CaseInput): void => {
    if (seen.has(id)) throw new Error(`case ${id} twice`);
    seen.add(id);
    const input = build();
    testcases.push({
      id: `mls::${id}`,
      conflicts_with: [],
      features: (input.crls ?? []).length > 0 ? ["has-crl"] : [],
      importance: "undetermined",
      description,
      validation_kind: "CLIENT",
      trusted_certs: (input.anchors ?? []).map(certificatePem),
      untrusted_intermediates: (input.intermediates ?? []).map(certificatePem),
      peer_certificate: certificatePem(input.leaf),
      peer_certificate_key: null,
      validation_time: new Date(input.time ?? "2026-06-01T00:00:00Z").toISOString(),
      signature_algorithms: [],
      key_usage: [],
      extended_key_usage: input.purposes ?? [],
      expected_result: expected,
      expected_peer_name: null,
      expected_peer_names: [],
      max_chain_depth: input.maxDepth ?? null,
      crls: (input.crls ?? []).map((der) => pem("X509 CRL", der)),
      ocsp_responses: (input.ocsp ?? []).map((der) => pem("OCSP RESPONSE", der)),
      initial_policies: input.initialPolicies ?? null,
      require_explicit_policy: input.requireExplicitPolicy ?? false,
      inhibit_policy_mapping: input.inhibitPolicyMapping ?? false,
      inhibit_any_policy: input.inhibitAnyPolicy ?? false,
    });
  };
  // New lists come last, so that the serial numbers of those before them stay.
  for (const cases of [
    nameCases,
    fieldCases,
    signatureCases,
    pathCases,
    revocationCases,
    rolloverCases,
    statusCases,
    crlSignerCases,
    crlScopeCases,
    ocspResponderCases,
    subtreeCases,
    ownFlawCases,
  ])
    cases(add);
  return { version: 1, testcases };
}
