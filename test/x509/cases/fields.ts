import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  extension,
  inhibitAnyPolicy,
  keyUsage,
  nameConstraints,
  policyConstraints,
  subjectAltName,
  subjectKeyIdentifier,
  uri,
} from "../certificate-builder.js";
import {
  ascii,
  boolean,
  bytes,
  concat,
  element,
  explicit,
  generalizedTime,
  hex,
  integer,
  longLength,
  octetString,
  oid,
  sequence,
  time,
} from "../der-writer.js";
import { ed25519Key } from "../signing-keys.js";
import {
  type AddCase,
  authority,
  type CaExtensions,
  type CaseInput,
  IM_URI,
  leaf,
  type LeafExtensions,
  NAMES,
  usualChain,
  withLeaf,
} from "../world.js";

const ROOT_FIRST = "2026-01-01T00:00:00Z";
const ROOT_LAST = "2027-01-01T00:00:00Z";

export function fieldCases(add: AddCase): void {
  const at = (moment: string): CaseInput => ({ ...withLeaf((issuing) => leaf(issuing)), time: moment });
  add("validity::not-before-exact", "SUCCESS", "notBefore is inclusive.", () => at(ROOT_FIRST));
  add("validity::not-after-exact", "SUCCESS", "notAfter is inclusive.", () => at(ROOT_LAST));
  add("validity::second-early", "FAILURE", "One second before notBefore.", () => at("2025-12-31T23:59:59Z"));
  add("validity::second-late", "FAILURE", "One second after notAfter.", () => at("2027-01-01T00:00:01Z"));
  add("validity::fraction-early", "FAILURE", "A fraction of a second before notBefore.", () =>
    at("2025-12-31T23:59:59.999Z"),
  );
  const dates: readonly [string, "SUCCESS" | "FAILURE", Uint8Array, Uint8Array, string][] = [
    [
      "generalized-time",
      "SUCCESS",
      generalizedTime("2026-01-01T00:00:00Z"),
      generalizedTime("2051-01-01T00:00:00Z"),
      "Both forms of Time must be processed.",
    ],
    ["utc-1950", "SUCCESS", element(0x17, ascii("500101000000Z")), time(ROOT_LAST), "UTCTime 50 is 1950."],
    ["utc-49", "SUCCESS", time(ROOT_FIRST), element(0x17, ascii("491231235959Z")), "UTCTime 49 is 2049."],
    [
      "no-expiry",
      "SUCCESS",
      time(ROOT_FIRST),
      element(0x18, ascii("99991231235959Z")),
      "9999-12-31 stands for no well-defined end.",
    ],
    ["utc-50-end", "FAILURE", time(ROOT_FIRST), element(0x17, ascii("500101000000Z")), "UTCTime 50 is 1950, and past."],
    [
      "reversed",
      "FAILURE",
      time("2026-12-01T00:00:00Z"),
      time("2026-02-01T00:00:00Z"),
      "The validity ends before it begins.",
    ],
    ["without-seconds", "FAILURE", element(0x17, ascii("2601010000Z")), time(ROOT_LAST), "Seconds are required."],
    ["offset", "FAILURE", element(0x17, ascii("260101000000+0000")), time(ROOT_LAST), "Times are in Zulu."],
    [
      "fraction",
      "FAILURE",
      element(0x18, ascii("20260101000000.5Z")),
      time(ROOT_LAST),
      "GeneralizedTime has no fractions.",
    ],
    ["thirteenth-month", "FAILURE", element(0x17, ascii("261301000000Z")), time(ROOT_LAST), "No such month."],
    ["february-30", "FAILURE", element(0x17, ascii("260230000000Z")), time(ROOT_LAST), "No such day."],
    ["wrong-tag", "FAILURE", element(0x16, ascii("260101000000Z")), time(ROOT_LAST), "An IA5String is no Time."],
  ];
  for (const [id, expected, notBefore, notAfter, description] of dates)
    add(`validity::${id}`, expected, description, () =>
      withLeaf((issuing) => leaf(issuing, {}, { notBefore, notAfter })),
    );
  for (const which of ["root", "issuing"] as const)
    add(`validity::expired-${which}`, "FAILURE", `The ${which} CA has expired.`, () => {
      const notAfter = time("2026-03-01T00:00:00Z");
      const root = authority("Root", undefined, which === "root" ? { notAfter } : {});
      const issuing = authority("Issuing", root, which === "issuing" ? { notAfter } : {});
      return { leaf: leaf(issuing), intermediates: [issuing.der], anchors: [root.der] };
    });

  const leaves: readonly [string, "SUCCESS" | "FAILURE", LeafExtensions, string][] = [
    [
      "unknown-critical",
      "FAILURE",
      { more: [extension("1.3.6.1.4.1.32473.1", true, octetString())] },
      "An unknown critical extension.",
    ],
    [
      "unknown-non-critical",
      "SUCCESS",
      { more: [extension("1.3.6.1.4.1.32473.1", false, octetString())] },
      "An unknown extension that is not critical is ignored.",
    ],
    [
      "critical-log-id",
      "FAILURE",
      { log: extension("1.3.6.1.4.1.32473.9750.1", true, octetString(new Uint8Array(32))) },
      "The log_id extension is not one that path validation processes.",
    ],
    ["critical-aia", "FAILURE", { access: authorityInfoAccess(true) }, "authorityInfoAccess must not be critical."],
    [
      "critical-aki",
      "FAILURE",
      { aki: authorityKeyIdentifier(ed25519Key("Issuing"), true) },
      "authorityKeyIdentifier must not be critical.",
    ],
    [
      "critical-ski",
      "FAILURE",
      { ski: subjectKeyIdentifier(ed25519Key("leaf"), true) },
      "subjectKeyIdentifier must not be critical.",
    ],
    ["missing-aki", "FAILURE", { aki: null }, "authorityKeyIdentifier is required."],
    [
      "aki-without-key-id",
      "FAILURE",
      { aki: extension("2.5.29.35", false, sequence()) },
      "The keyIdentifier is required.",
    ],
    [
      "aki-issuer-without-serial",
      "FAILURE",
      { aki: extension("2.5.29.35", false, sequence(element(0x80, bytes(1)), explicit(1, uri("x:y")))) },
      "authorityCertIssuer and its serial number come together.",
    ],
    [
      "names-not-critical",
      "FAILURE",
      { names: subjectAltName(NAMES, false) },
      "With an empty subject the subjectAltName must be critical.",
    ],
    ["names-missing", "FAILURE", { names: null }, "An empty subject needs a subjectAltName."],
    ["names-empty", "FAILURE", { names: subjectAltName([]) }, "GeneralNames holds at least one name."],
    [
      "names-not-der",
      "FAILURE",
      { names: extension("2.5.29.17", true, ascii("mimi://mls.example/u/a")) },
      "The extension's value is DER.",
    ],
    [
      "names-trailing",
      "FAILURE",
      { names: extension("2.5.29.17", true, sequence(uri("mimi://mls.example/u/a")), bytes(0)) },
      "Bytes after the extension's value.",
    ],
    [
      "names-unknown-choice",
      "FAILURE",
      { names: subjectAltName([element(0x89, ascii("x"))]) },
      "GeneralName has nine choices.",
    ],
    ["duplicate-names", "FAILURE", { more: [subjectAltName(NAMES)] }, "No extension occurs twice."],
    ["eku-empty", "FAILURE", { purposes: extendedKeyUsage([]) }, "extendedKeyUsage holds at least one purpose."],
    ["ku-empty", "FAILURE", { usage: keyUsage([]) }, "At least one bit of keyUsage is set."],
    [
      "ku-padded",
      "FAILURE",
      { usage: extension("2.5.29.15", true, bytes(3, 2, 0, 0x80)) },
      "Named bits end in a set bit.",
    ],
    [
      "ku-unused-bits-set",
      "FAILURE",
      { usage: extension("2.5.29.15", true, bytes(3, 2, 7, 0xff)) },
      "Unused bits are zero.",
    ],
    ["ku-cert-sign", "FAILURE", { usage: keyUsage(["digitalSignature", "keyCertSign"]) }, "keyCertSign without cA."],
    ["path-length-without-ca", "FAILURE", { basic: basicConstraints(false, 0) }, "pathLenConstraint without cA."],
    [
      "ca-false-encoded",
      "FAILURE",
      { basic: extension("2.5.29.19", true, sequence(boolean(false))) },
      "DER leaves a default value out.",
    ],
    [
      "ca-not-ff",
      "FAILURE",
      { basic: extension("2.5.29.19", true, sequence(element(1, bytes(1)))) },
      "DER writes TRUE as FF.",
    ],
    [
      "name-constraints",
      "FAILURE",
      { more: [nameConstraints([uri("mls.example")])] },
      "Name constraints belong in CA certificates.",
    ],
    ["without-usage", "SUCCESS", { usage: null }, "keyUsage is not required of an end entity by RFC 5280."],
    ["without-purposes", "SUCCESS", { purposes: null }, "Without extendedKeyUsage every purpose is allowed."],
    ["without-basic-constraints", "SUCCESS", { basic: null }, "basicConstraints is not required of an end entity."],
    ["without-ski", "SUCCESS", { ski: null }, "subjectKeyIdentifier is only recommended for end entities."],
    [
      "critical-purposes",
      "SUCCESS",
      { purposes: extendedKeyUsage([IM_URI], true) },
      "extendedKeyUsage may be critical.",
    ],
    [
      "extension-critical-false-encoded",
      "FAILURE",
      { more: [sequence(oid("1.3.6.1.4.1.32473.1"), boolean(false), octetString(octetString()))] },
      "DER leaves a default value out.",
    ],
  ];
  for (const [id, expected, extensions, description] of leaves)
    add(`leaf::${id}`, expected, description, () => withLeaf((issuing) => leaf(issuing, extensions)));
  const purposes: readonly [string, "SUCCESS" | "FAILURE", string[]][] = [
    ["im-uri", "SUCCESS", [IM_URI]],
    ["any", "SUCCESS", ["2.5.29.37.0"]],
    ["several", "SUCCESS", ["1.3.6.1.5.5.7.3.2", IM_URI]],
    ["client-auth", "FAILURE", ["1.3.6.1.5.5.7.3.2"]],
    ["arc-above", "FAILURE", ["1.3.6.1.5.5.7.3"]],
  ];
  for (const [id, expected, list] of purposes)
    add(`purpose::${id}`, expected, `id-kp-imUri is wanted, the leaf lists ${list.join(", ")}.`, () => ({
      ...withLeaf((issuing) => leaf(issuing, { purposes: extendedKeyUsage(list) })),
      purposes: ["imUri"],
    }));

  const issuers: readonly [string, "SUCCESS" | "FAILURE", CaExtensions, string][] = [
    ["not-a-ca", "FAILURE", { basic: basicConstraints(false) }, "cA is not asserted."],
    ["without-basic-constraints", "FAILURE", { basic: null }, "A CA certificate without basicConstraints."],
    [
      "basic-constraints-not-critical",
      "SUCCESS",
      { basic: basicConstraints(true, 0, false) },
      "Path validation asks an intermediate for cA, not for criticality.",
    ],
    [
      "without-cert-sign",
      "FAILURE",
      { basic: basicConstraints(true), usage: keyUsage(["cRLSign"]) },
      "keyUsage without keyCertSign.",
    ],
    [
      "without-key-usage",
      "SUCCESS",
      { basic: basicConstraints(true), usage: null },
      "keyCertSign is only asked for where keyUsage is present.",
    ],
    ["missing-ski", "FAILURE", { ski: null }, "subjectKeyIdentifier is required of a CA."],
    ["missing-aki", "FAILURE", { aki: null }, "authorityKeyIdentifier is required below the root."],
    [
      "unknown-critical",
      "FAILURE",
      { more: [extension("1.3.6.1.4.1.32473.1", true, octetString())] },
      "An unknown critical extension.",
    ],
    [
      "name-constraints-not-critical",
      "FAILURE",
      { more: [nameConstraints([uri("mls.example")], [], false)] },
      "Name constraints must be critical.",
    ],
    ["name-constraints-empty", "FAILURE", { more: [nameConstraints([])] }, "Name constraints must hold a subtree."],
    [
      "name-constraints-minimum",
      "FAILURE",
      {
        more: [
          extension("2.5.29.30", true, sequence(explicit(0, sequence(uri("mls.example"), element(0x80, bytes(1)))))),
        ],
      },
      "minimum must be zero.",
    ],
    [
      "policy-constraints-not-critical",
      "FAILURE",
      { more: [policyConstraints(5, undefined, false)] },
      "policyConstraints must be critical.",
    ],
    ["policy-constraints-empty", "FAILURE", { more: [policyConstraints()] }, "policyConstraints must not be empty."],
    [
      "inhibit-any-not-critical",
      "FAILURE",
      { more: [inhibitAnyPolicy(0, false)] },
      "inhibitAnyPolicy must be critical.",
    ],
    [
      "negative-path-length",
      "FAILURE",
      { basic: extension("2.5.29.19", true, sequence(boolean(true), integer(-1))) },
      "pathLenConstraint is not negative.",
    ],
    [
      "huge-path-length",
      "SUCCESS",
      { basic: extension("2.5.29.19", true, sequence(boolean(true), integer(2n ** 70n))) },
      "pathLenConstraint of any size.",
    ],
  ];
  for (const [id, expected, extensions, description] of issuers)
    add(`ca::${id}`, expected, description, () => withLeaf((issuing) => leaf(issuing), extensions));

  const encodings: readonly [string, Parameters<typeof leaf>[2], string][] = [
    ["serial-zero", { serial: integer(0) }, "The serial number is positive."],
    ["serial-negative", { serial: integer(-5) }, "The serial number is positive."],
    [
      "serial-21-octets",
      { serial: element(2, new Uint8Array(21).fill(1)) },
      "The serial number has at most 20 octets.",
    ],
    ["serial-padded", { serial: element(2, bytes(0, 1)) }, "An INTEGER in its shortest form."],
    ["serial-empty", { serial: element(2) }, "An INTEGER has at least one octet."],
    ["version-1", { version: null }, "Extensions need version 3."],
    ["version-1-encoded", { version: integer(0) }, "The default version is left out, and has no extensions."],
    ["version-4", { version: integer(3) }, "There is no version 4."],
    ["long-length", { encode: (...parts) => longLength(0x30, ...parts) }, "A length in its shortest form."],
    [
      "indefinite-length",
      { encode: (...parts) => concat(bytes(0x30, 0x80), ...parts, bytes(0, 0)) },
      "DER has definite lengths.",
    ],
    ["trailing-bytes", { encode: (...parts) => concat(sequence(...parts), bytes(0)) }, "Bytes after the certificate."],
    ["fourth-field", { encode: (...parts) => sequence(...parts, element(5)) }, "A certificate has three fields."],
    ["set-instead-of-sequence", { encode: (...parts) => element(0x31, ...parts) }, "A certificate is a SEQUENCE."],
    ["truncated", { encode: (...parts) => sequence(...parts).subarray(0, -1) }, "The certificate ends early."],
    ["empty-issuer", { issuer: sequence() }, "The issuer is not empty."],
    [
      "unsorted-rdn",
      {
        subject: sequence(
          element(
            0x31,
            sequence(oid("2.5.4.10"), element(12, ascii("x"))),
            sequence(oid("2.5.4.3"), element(12, ascii("x"))),
          ),
        ),
      },
      "A SET OF in ascending order.",
    ],
    ["empty-rdn", { subject: sequence(element(0x31)) }, "A relative name holds an attribute."],
    [
      "oid-padded-arc",
      { subject: sequence(element(0x31, sequence(hex("0604 8055 0403"), element(12, ascii("x"))))) },
      "An arc in its shortest form.",
    ],
    [
      "invalid-utf8",
      { subject: sequence(element(0x31, sequence(oid("2.5.4.3"), element(12, bytes(0xc0, 0x80))))) },
      "UTF-8 in its shortest form.",
    ],
  ];
  for (const [id, overrides, description] of encodings)
    add(`encoding::${id}`, "FAILURE", description, () =>
      withLeaf((issuing) => leaf(issuing, {}, overrides), { more: [] }),
    );
  add("encoding::unrelated-broken-intermediate", "SUCCESS", "A certificate that cannot be read takes no part.", () => {
    const { root, issuing } = usualChain();
    return {
      leaf: leaf(issuing),
      intermediates: [issuing.der.subarray(0, -3), issuing.der, bytes(0x30, 0)],
      anchors: [root.der],
    };
  });
}
