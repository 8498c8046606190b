import {
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  dns,
  email,
  extension,
  inhibitAnyPolicy,
  ip,
  issuerAltName,
  keyUsage,
  nameConstraints,
  policyConstraints,
  policyMappings,
  subjectAltName,
  uri,
} from "../certificate-builder.js";
import { bytes, element, oid, sequence } from "../der-writer.js";
import { ed25519Key } from "../signing-keys.js";
import {
  type AddCase,
  authority,
  type CaExtensions,
  type CaseInput,
  leaf,
  type LeafExtensions,
  NAMES,
  NO_NAME,
} from "../world.js";

type Expected = "SUCCESS" | "FAILURE";
type Case = readonly [id: string, expected: Expected, words: string];

/** What a certificate may do wrong by itself, wherever it stands. */
export function ownFlawCases(add: AddCase): void {
  const leaves: readonly (readonly [...Case, LeafExtensions])[] = [
    [
      "cert-sign-without-ca",
      "FAILURE",
      "keyCertSign without cA.",
      { usage: keyUsage(["digitalSignature", "keyCertSign"]) },
    ],
    ["path-length-without-ca", "FAILURE", "A path length without cA.", { basic: basicConstraints(false, 0) }],
    [
      "ca-as-leaf",
      "SUCCESS",
      "A CA with a path length, and without keyUsage.",
      { basic: basicConstraints(true, 0), usage: null },
    ],
    [
      "path-length-without-cert-sign",
      "FAILURE",
      "A CA with a path length whose keyUsage has no keyCertSign.",
      { basic: basicConstraints(true, 0) },
    ],
    [
      "ca-without-cert-sign",
      "SUCCESS",
      "A CA without a path length may do without.",
      { basic: basicConstraints(true) },
    ],
    [
      "ca-without-key-identifier",
      "FAILURE",
      "A CA without subjectKeyIdentifier.",
      { basic: basicConstraints(true), ski: null },
    ],
    ["leaf-without-key-identifier", "SUCCESS", "No CA, without subjectKeyIdentifier.", { ski: null }],
    [
      "key-identifier-without-key",
      "FAILURE",
      "An authorityKeyIdentifier that is empty.",
      { aki: extension("2.5.29.35", false, sequence()) },
    ],
    [
      "constraints-without-ca",
      "FAILURE",
      "Name constraints without cA.",
      { more: [nameConstraints([uri("mls.example")])] },
    ],
    [
      "critical-subject-information",
      "FAILURE",
      "subjectInfoAccess must not be critical.",
      {
        more: [
          extension(
            "1.3.6.1.5.5.7.1.11",
            true,
            sequence(sequence(oid("1.3.6.1.5.5.7.48.3"), uri("http://x.example/"))),
          ),
        ],
      },
    ],
    [
      "subject-information",
      "SUCCESS",
      "subjectInfoAccess.",
      {
        more: [
          extension(
            "1.3.6.1.5.5.7.1.11",
            false,
            sequence(sequence(oid("1.3.6.1.5.5.7.48.3"), uri("http://x.example/"))),
          ),
        ],
      },
    ],
    [
      "issuer-name-malformed",
      "FAILURE",
      "An issuerAltName that is no host name.",
      { more: [issuerAltName([dns("-x")])] },
    ],
    ["issuer-name", "SUCCESS", "An issuerAltName.", { more: [issuerAltName([dns("x.example")])] }],
    [
      "without-constraints-or-key-identifier",
      "SUCCESS",
      "No CA, with neither basicConstraints nor subjectKeyIdentifier.",
      { basic: null, ski: null },
    ],
  ];
  for (const [id, expected, words, extensions] of leaves)
    add(`flaw::${id}`, expected, words, () => below({}, (issuing) => leaf(issuing, extensions)));

  const names: readonly (readonly [string, Expected, Uint8Array])[] = [
    ["dns", "SUCCESS", dns("x.example")],
    ["dns-wildcard", "SUCCESS", dns("*.x.example")],
    ["dns-inner-wildcard", "FAILURE", dns("x.*.example")],
    ["dns-underscore", "FAILURE", dns("a_b.example")],
    ["dns-trailing-dot", "FAILURE", dns("x.example.")],
    ["dns-digits-last", "FAILURE", dns("x.123")],
    ["dns-long-label", "FAILURE", dns(`${"a".repeat(64)}.example`)],
    ["dns-longest-label", "SUCCESS", dns(`${"a".repeat(63)}.example`)],
    ["dns-longest", "SUCCESS", dns(`${"a.".repeat(126)}a`)],
    ["dns-too-long", "FAILURE", dns(`${"a.".repeat(127)}a`)],
    ["email", "SUCCESS", email("a.b@x.example")],
    ["email-quoted", "SUCCESS", email('"a b"@x.example')],
    ["email-no-host", "FAILURE", email("a")],
    ["email-no-local", "FAILURE", email("@x.example")],
    ["email-dots", "FAILURE", email("a..b@x.example")],
    ["email-longest", "SUCCESS", email(`${"a".repeat(64)}@x.example`)],
    ["email-too-long", "FAILURE", email(`${"a".repeat(65)}@x.example`)],
    ["ip-4", "SUCCESS", ip(192, 0, 2, 1)],
    ["ip-16", "SUCCESS", ip(...Array.from({ length: 16 }, () => 1))],
    ["ip-8", "FAILURE", ip(...Array.from({ length: 8 }, () => 1))],
    ["ip-0", "FAILURE", ip()],
    ["uri-mailto", "SUCCESS", uri("mailto:a@x.example")],
    ["uri-address", "SUCCESS", uri("https://192.0.2.1/")],
    ["uri-address-port", "SUCCESS", uri("https://192.0.2.1:8443/")],
    ["uri-address-6", "SUCCESS", uri("https://[2001:db8::1]:8443/")],
    ["uri-address-6-bad", "FAILURE", uri("https://[x]/")],
    ["uri-address-short", "FAILURE", uri("https://192.0.2/")],
    ["uri-no-host", "FAILURE", uri("file:///etc")],
    ["uri-user-no-host", "FAILURE", uri("https://a@/")],
    ["uri-bad-host", "FAILURE", uri("https://a_b.example/")],
    ["uri-percent", "SUCCESS", uri("https://x.example/%41")],
    ["uri-percent-bad", "FAILURE", uri("https://x.example/%4")],
    ["uri-no-scheme", "FAILURE", uri("//x.example/")],
    ["uri-address-two-digits", "SUCCESS", uri("https://192.0.2.10/")],
    ["uri-address-and-more", "FAILURE", uri("https://192.0.2.1.x_/")],
    ["uri-more-and-address", "FAILURE", uri("https://x_192.0.2.1/")],
    ["uri-address-6-and-more", "FAILURE", uri("https://[2001:db8::1]x/")],
    ["uri-more-and-address-6", "FAILURE", uri("https://x[2001:db8::1]/")],
    ["uri-address-6-open", "FAILURE", uri("https://[2001:db8::1/")],
    ["uri-inside-a-name", "SUCCESS", uri("urn:x:a://b_")],
    ["uri-address-6-embedded", "SUCCESS", uri("https://[2001:db8::192.0.2.1]/")],
    ["uri-address-6-whole", "SUCCESS", uri("https://[1:2:3:4:5:6:7:8]/")],
    ["uri-address-6-whole-embedded", "SUCCESS", uri("https://[1:2:3:4:5:6:192.0.2.1]/")],
    ["uri-address-6-none", "SUCCESS", uri("https://[::]/")],
    ["uri-address-6-seven-and-gap", "SUCCESS", uri("https://[1::3:4:5:6:7:8]/")],
    ["uri-address-6-eight-and-gap", "FAILURE", uri("https://[1:2:3:4::5:6:7:8]/")],
    ["uri-address-6-seven", "FAILURE", uri("https://[1:2:3:4:5:6:7]/")],
    ["uri-address-6-nine", "FAILURE", uri("https://[1:2:3:4:5:6:7:8:9]/")],
    ["uri-address-6-two-gaps", "FAILURE", uri("https://[1::2::3]/")],
    ["uri-address-6-colons", "FAILURE", uri("https://[:::1]/")],
    ["uri-address-6-long-group", "FAILURE", uri("https://[::12345]/")],
    ["uri-address-6-embedded-first", "FAILURE", uri("https://[192.0.2.1::]/")],
    ["uri-address-6-empty", "FAILURE", uri("https://[]/")],
    ["uri-address-above-255", "FAILURE", uri("https://192.0.2.256/")],
    ["uri-user", "SUCCESS", uri("https://a:b@x.example/")],
    ["uri-two-users", "FAILURE", uri("https://a@b@x.example/")],
    ["uri-user-bracket", "FAILURE", uri("https://a[@x.example/")],
    ["uri-address-6-user", "FAILURE", uri("https://[::1]@x.example/")],
    ["uri-path-bracket", "FAILURE", uri("https://x.example/[a]")],
    ["uri-query-and-fragment", "SUCCESS", uri("https://x.example?a=b/?c#d/?e")],
    ["uri-query-bracket", "FAILURE", uri("https://x.example/?[a]")],
    ["uri-two-fragments", "FAILURE", uri("https://x.example/#a#b")],
    ["uri-port-empty", "SUCCESS", uri("https://x.example:")],
    ["uri-port-letters", "FAILURE", uri("https://x.example:a/")],
    ["uri-percent-in-user", "FAILURE", uri("https://%zz@x.example/")],
    ["uri-scheme-alone", "FAILURE", uri("urn:")],
    ["uri-longest", "SUCCESS", uri(`urn:${"a".repeat(65_531)}`)],
    ["uri-too-long", "FAILURE", uri(`urn:${"a".repeat(65_532)}`)],
    ["email-address", "SUCCESS", email("a@[192.0.2.1]")],
    ["email-address-6", "SUCCESS", email("a@[IPv6:2001:db8::1]")],
    ["email-address-bad", "FAILURE", email("a@[192.0.2]")],
    ["email-address-6-untagged", "FAILURE", email("a@[2001:db8::1]")],
    ["email-address-open", "FAILURE", email("a@[192.0.2.1")],
    ["email-local-with-at", "SUCCESS", email('"a@b"@x.example')],
    ["uri-scheme-digit", "FAILURE", uri("1x:y")],
  ];
  for (const [id, expected, name] of names)
    add(`own-name::${id}`, expected, `A name in the leaf (${id}).`, () =>
      below({}, (issuing) => leaf(issuing, { names: subjectAltName([...NAMES, name]) })),
    );

  const serial = (...octets: readonly number[]) => element(2, bytes(...octets));
  for (const [id, expected, value] of [
    ["one", "SUCCESS", serial(1)],
    ["zero", "FAILURE", serial(0)],
    ["twenty", "SUCCESS", serial(...Array.from({ length: 20 }, () => 0x7f))],
    ["twenty-one", "FAILURE", serial(...Array.from({ length: 21 }, () => 0x7f))],
    ["negative", "FAILURE", serial(0x80)],
  ] as const)
    add(`own-serial::${id}`, expected, `A serial number (${id}).`, () =>
      below({}, (issuing) => leaf(issuing, {}, { serial: value })),
    );
  caFlaws(add);
}

function caFlaws(add: AddCase): void {
  const policy = certificatePolicies("1.3.6.1.4.1.32473.5.1");
  const cas: readonly (readonly [...Case, CaExtensions])[] = [
    [
      "plain-requirement",
      "SUCCESS",
      "policyConstraints that is not critical: policies, and one required at once.",
      { more: [policy, policyConstraints(0, undefined, false)] },
    ],
    [
      "plain-requirement-later",
      "FAILURE",
      "As before, but required later.",
      { more: [policy, policyConstraints(1, undefined, false)] },
    ],
    [
      "plain-requirement-mapping",
      "FAILURE",
      "As before, but mappings are inhibited too.",
      { more: [policy, policyConstraints(0, 0, false)] },
    ],
    [
      "plain-requirement-without-policies",
      "FAILURE",
      "As before, but the CA asserts no policies.",
      { more: [policyConstraints(0, undefined, false)] },
    ],
    [
      "plain-requirement-beside-constraints",
      "FAILURE",
      "As the first, and name constraints that are not critical.",
      {
        more: [policy, policyConstraints(0, undefined, false), nameConstraints([], [uri("other.example")], false)],
      },
    ],
    [
      "excluded-malformed",
      "FAILURE",
      "An excluded subtree that is no host.",
      { more: [nameConstraints([], [dns("-x")])] },
    ],
    ["without-own-key-identifier", "FAILURE", "A CA without subjectKeyIdentifier.", { ski: null }],
    ["without-issuer-key-identifier", "FAILURE", "A CA without authorityKeyIdentifier.", { aki: null }],
  ];
  for (const [id, expected, words, extensions] of cas)
    add(`ca-flaw::${id}`, expected, words, () => below(extensions, (issuing) => leaf(issuing, { more: [policy] })));
  add("ca-flaw::empty-subject", "FAILURE", "A CA with an empty subject.", () => {
    const root = authority("Root");
    const issuing = authority("Issuing", root, { subject: NO_NAME });
    return { leaf: leaf(issuing), intermediates: [issuing.der], anchors: [root.der] };
  });
  for (const [id, expected, extensions] of [
    ["self-signed", "SUCCESS", {}],
    ["self-signed-without-key-identifier", "FAILURE", { ski: null }],
  ] as const)
    add(`anchor-flaw::${id}`, expected, `An anchor (${id}).`, () => {
      const root = authority("Root", undefined, { extensions });
      return { leaf: leaf(root), anchors: [root.der] };
    });
  add("ca-flaw::one-key-two-names", "SUCCESS", "Two CAs of a path under two names have one key.", () => {
    const key = ed25519Key("Upper and lower");
    const root = authority("Root");
    const upper = authority("Upper", root, { key });
    const lower = authority("Lower", upper, { key });
    return { leaf: leaf(lower), intermediates: [lower.der, upper.der], anchors: [root.der] };
  });
  // RFC 5280 takes a name and a key of an anchor; its policies do not take part.
  for (const [id, more] of [
    ["requirement", policyConstraints(0)],
    ["mapping", policyMappings(["2.5.29.32.0", "1.3.6.1.4.1.32473.5.1"])],
    ["inhibited", inhibitAnyPolicy(0)],
  ] as const)
    add(`anchor-flaw::policy-${id}`, "SUCCESS", `The anchor says something of policies (${id}).`, () => {
      const root = authority("Root", undefined, { extensions: { more: [more] } });
      const issuing = authority("Issuing", root, { extensions: { more: [certificatePolicies("2.5.29.32.0")] } });
      const requireExplicitPolicy = id === "inhibited";
      return {
        leaf: leaf(issuing, { more: requireExplicitPolicy ? [certificatePolicies("2.5.29.32.0")] : [] }),
        intermediates: [issuing.der],
        anchors: [root.der],
        requireExplicitPolicy,
      };
    });
  for (const [id, expected, extensions] of [
    ["certified", "SUCCESS", {}],
    ["certified-without-issuer-key-identifier", "FAILURE", { aki: null }],
  ] as const)
    add(`anchor-flaw::${id}`, expected, `An anchor that another CA has certified (${id}).`, () => {
      const above = authority("Above");
      const root = authority("Root", above, { extensions: { ...extensions } });
      return { leaf: leaf(root, { aki: authorityKeyIdentifier(root.key) }), anchors: [root.der] };
    });
}

/** A leaf below an issuing CA without name constraints. */
function below(extensions: CaExtensions, make: (issuing: ReturnType<typeof authority>) => Uint8Array): CaseInput {
  const root = authority("Root");
  const issuing = authority("Issuing", root, { extensions });
  return { leaf: make(issuing), intermediates: [issuing.der], anchors: [root.der] };
}
