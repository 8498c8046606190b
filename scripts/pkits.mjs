// NIST's path validation suite (PKITS) in the JSON schema of x509-limbo: node scripts/pkits.mjs FOLDER > pkits.json
// FOLDER is pki/testdata/nist-pkits of BoringSSL: certs/*.crt, crls/*.crl, and a list of the tests with their policy inputs.
// Then: npm run -s conformance -- x509 pkits.json. The suite is not part of this repository; results: docs/path-validation.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("which folder?");

/** PKITS was published then; its certificates are valid from 2010 to 2030. */
const VALIDATION_TIME = "2011-04-15T00:00:00Z";
const TEST_POLICIES = "2.16.840.1.101.3.2.1.48";

const pem = (label, path) =>
  `-----BEGIN ${label}-----\n${readFileSync(join(folder, path)).toString("base64").replace(/.{64}/g, "$&\n").trimEnd()}\n-----END ${label}-----\n`;
const certificate = (name) => pem("CERTIFICATE", `certs/${name}.crt`);
const revocationList = (name) => pem("X509 CRL", `crls/${name}.crl`);
const policyOid = (name) => name.replace("NIST-test-policy-", `${TEST_POLICIES}.`);

/** The strings between the quotes of a C++ expression. */
const quoted = (text) => [...text.matchAll(/"([^"]*)"/g)].map(([, string]) => string);

function testcase(block) {
  const first = (pattern) => pattern.exec(block)?.[1] ?? "";
  const names = (variable) => quoted(first(new RegExp(`${variable}\\[\\] = \\{([^}]*)\\}`)));
  const flag = (setter) => first(new RegExp(`${setter}\\((true|false)\\)`)) === "true";
  const [anchor, ...below] = names("certs");
  const policies = quoted(first(/SetInitialPolicySet\(([^)]*)\)/))
    .join("")
    .split(",");
  return {
    id: `pkits::${first(/test_number = "([^"]+)"/)}::${first(/Section\d+(\w+)\)/)}`,
    trusted_certs: [certificate(anchor)],
    untrusted_intermediates: below.slice(0, -1).map(certificate),
    peer_certificate: certificate(below.at(-1)),
    validation_time: VALIDATION_TIME,
    expected_result: first(/should_validate = (true|false)/) === "true" ? "SUCCESS" : "FAILURE",
    crls: names("crls").map(revocationList),
    initial_policies: policies.filter((name) => name !== "").map(policyOid),
    require_explicit_policy: flag("SetInitialExplicitPolicy"),
    inhibit_policy_mapping: flag("SetInitialPolicyMappingInhibit"),
    inhibit_any_policy: flag("SetInitialInhibitAnyPolicy"),
  };
}

const list = readFileSync(join(folder, "pkits_testcases-inl.h"), "utf8");
const testcases = list
  .split(/^WRAPPED_TYPED_TEST_P\(/m)
  .slice(1)
  .map(testcase);
process.stdout.write(`${JSON.stringify({ version: 1, testcases }, null, 1)}\n`);
