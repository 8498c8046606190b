import {
  type Authority,
  authorityKeyIdentifier,
  basicConstraints,
  certificateList,
  crlDistributionPoints,
  directory,
  dns,
  email,
  extendedKeyUsage,
  extension,
  ip,
  name,
  nextSerial,
  type OcspOptions,
  ocspResponse,
  otherName,
  subjectAltName,
  uri,
} from "../certificate-builder.js";
import { bytes, element, nullValue, time } from "../der-writer.js";
import { ed25519Key } from "../signing-keys.js";
import { type AddCase, authority, type CaExtensions, type CaseInput, leaf, NAMES } from "../world.js";

const NO_CHECK = extension("1.3.6.1.5.5.7.48.1.5", false, nullValue);
const NOW = "2026-06-01T00:00:00Z";
const LATER = "2026-06-01T00:00:01Z";
const BEFORE = "2026-05-31T23:59:59Z";

/** A leaf below root and issuing CA. */
export function statusScene(points: Uint8Array | null = null, extensions: CaExtensions = {}) {
  const root = authority("Root");
  const issuing = authority("Issuing", root, { extensions });
  const serial = nextSerial();
  const input: CaseInput = {
    leaf: leaf(issuing, { points }, { serial }),
    intermediates: [issuing.der],
    anchors: [root.der],
  };
  return { root, issuing, serial, input };
}
export type StatusScene = ReturnType<typeof statusScene>;

/** More of what makes an OCSP response or a CRL count. */
export function statusCases(add: AddCase): void {
  ocspTimes(add);
  ocspDelegates(add);
  pointNames(add);
  crlOrder(add);
  add("criticality::directory-attributes", "FAILURE", "subjectDirectoryAttributes must not be critical.", () =>
    withExtension(extension("2.5.29.9", true, element(0x30, element(0x30, bytes(6, 3, 0x55, 4, 3, 0x31, 0))))),
  );
  add("criticality::freshest-crl", "FAILURE", "freshestCRL must not be critical.", () =>
    withExtension(
      extension(
        "2.5.29.46",
        true,
        element(0x30, element(0x30, element(0xa0, element(0xa0, uri("http://x.example/d"))))),
      ),
    ),
  );
  add("criticality::anchor-basic-constraints", "FAILURE", "basicConstraints of an anchor must be critical.", () => {
    const root = authority("Root", undefined, { extensions: { basic: basicConstraints(true, undefined, false) } });
    const issuing = authority("Issuing", root);
    return { leaf: leaf(issuing), intermediates: [issuing.der], anchors: [root.der] };
  });
}

function withExtension(more: Uint8Array): CaseInput {
  const root = authority("Root");
  const issuing = authority("Issuing", root);
  return { leaf: leaf(issuing, { more: [more] }), intermediates: [issuing.der], anchors: [root.der] };
}

export function answered(
  options: (set: StatusScene) => Partial<OcspOptions>,
  issuingExtensions: CaExtensions = {},
): CaseInput {
  const set = statusScene(null, issuingExtensions);
  const { root, issuing, serial, input } = set;
  return {
    ...input,
    time: NOW,
    crls: [certificateList({ issuer: root })],
    ocsp: [ocspResponse({ issuer: issuing, serial, status: "good", ...options(set) })],
  };
}

function ocspTimes(add: AddCase): void {
  const cases: readonly [string, "SUCCESS" | "FAILURE", string, Partial<OcspOptions>][] = [
    ["exact", "SUCCESS", "thisUpdate, producedAt and nextUpdate are now.", { thisUpdate: NOW, nextUpdate: NOW }],
    ["this-update-a-second-late", "FAILURE", "thisUpdate is in a second.", { thisUpdate: LATER, producedAt: NOW }],
    ["produced-a-second-late", "FAILURE", "It was produced in a second.", { producedAt: LATER }],
    ["next-update-a-second-early", "FAILURE", "nextUpdate was a second ago.", { nextUpdate: BEFORE }],
  ];
  for (const [id, expected, description, options] of cases)
    add(`ocsp-time::${id}`, expected, description, () => answered(() => options));
  const strange = (critical: boolean) => [extension("1.3.6.1.4.1.32473.99", critical, nullValue)];
  for (const [critical, expected, word] of [
    [true, "FAILURE", "critical"],
    [false, "SUCCESS", "not critical"],
  ] as const) {
    const id = critical ? "critical" : "non-critical";
    add(`ocsp-extension::${id}`, expected, `An unknown extension of the response, ${word}.`, () =>
      answered(() => ({ extensions: strange(critical) })),
    );
    add(`ocsp-extension::single-${id}`, expected, `An unknown extension of the answer, ${word}.`, () =>
      answered(() => ({ singleExtensions: strange(critical) })),
    );
  }
}

/** A responder that the issuing CA has certified. */
export function delegate(
  { issuing }: StatusScene,
  overrides: Parameters<typeof leaf>[2] = {},
  extensions: Parameters<typeof leaf>[1] = {},
): Authority {
  const key = ed25519Key("Responder");
  const subject = name(["CN", "OCSP responder"]);
  const usual = {
    names: subjectAltName(NAMES, false),
    purposes: extendedKeyUsage(["1.3.6.1.5.5.7.3.9"]),
    aki: authorityKeyIdentifier(issuing.key),
    more: [NO_CHECK],
  };
  return { name: subject, key, der: leaf(issuing, { ...usual, ...extensions }, { key, subject, ...overrides }) };
}

function ocspDelegates(add: AddCase): void {
  add("ocsp-delegate::good", "SUCCESS", "A responder with a certificate that is in order.", () =>
    answered((set) => ({ signer: delegate(set) })),
  );
  add("ocsp-delegate::expired", "FAILURE", "The responder's certificate has expired.", () =>
    answered((set) => ({ signer: delegate(set, { notAfter: time("2026-05-01T00:00:00Z") }) })),
  );
  add("ocsp-delegate::not-yet-valid", "FAILURE", "The responder's certificate is not valid yet.", () =>
    answered((set) => ({ signer: delegate(set, { notBefore: time("2026-07-01T00:00:00Z") }) })),
  );
  add("ocsp-delegate::forged", "FAILURE", "The responder's certificate is not by the issuer's key.", () =>
    answered((set) => ({ signer: delegate(set, { signer: ed25519Key("Mallory") }) })),
  );
  add("ocsp-delegate::response-forged", "FAILURE", "The response is not by the responder's key.", () =>
    answered((set) => ({ signer: delegate(set), signature: (signature) => signature.map((octet) => octet ^ 1) })),
  );
}

/** The issuing distribution point of a CRL has to share a name with the certificate's, whatever its type. */
function pointNames(add: AddCase): void {
  const cases: readonly [string, "SUCCESS" | "FAILURE", Uint8Array, Uint8Array][] = [
    ["dns-other-case", "SUCCESS", dns("CRL.mls.example"), dns("crl.MLS.example")],
    ["dns-other", "FAILURE", dns("crl.mls.example"), dns("crl2.mls.example")],
    ["directory", "SUCCESS", directory(name(["CN", "Point"])), directory(name(["CN", "point"]))],
    ["directory-other", "FAILURE", directory(name(["CN", "Point"])), directory(name(["CN", "Line"]))],
    ["other-name", "SUCCESS", otherName("1.2.3.4", nullValue), otherName("1.2.3.4", nullValue)],
    ["other-name-type", "FAILURE", otherName("1.2.3.4", nullValue), otherName("1.2.3.5", nullValue)],
    ["other-name-value", "FAILURE", otherName("1.2.3.4", nullValue), otherName("1.2.3.4", element(0x0c))],
    ["email", "SUCCESS", email("crl@mls.example"), email("crl@mls.example")],
    ["email-other", "FAILURE", email("crl@mls.example"), email("other@mls.example")],
    ["ip", "SUCCESS", ip(192, 0, 2, 1), ip(192, 0, 2, 1)],
    ["ip-other", "FAILURE", ip(192, 0, 2, 1), ip(192, 0, 2, 2)],
    ["same-value-other-type", "FAILURE", dns("crl.mls.example"), uri("crl.mls.example")],
  ];
  for (const [id, expected, asked, issued] of cases)
    add(`point-name::${id}`, expected, `The names of certificate and CRL (${id}).`, () => {
      const { root, issuing, input } = statusScene(crlDistributionPoints({ names: [asked] }));
      return {
        ...input,
        crls: [certificateList({ issuer: root }), certificateList({ issuer: issuing, point: { names: [issued] } })],
      };
    });
}

/** Of CRLs of one time the one with the greater number is the newer. */
function crlOrder(add: AddCase): void {
  for (const order of ["first", "last"] as const)
    for (const [id, expected, revokedIn] of [
      ["newer-revokes", "FAILURE", 11],
      ["older-revokes", "SUCCESS", 10],
    ] as const)
      add(`crl-order::${id}-${order}`, expected, `CRLs 10 and 11 of one time; CRL ${revokedIn} lists the leaf.`, () => {
        const { root, issuing, serial, input } = statusScene();
        const crls = [10, 11].map((number) =>
          certificateList({
            issuer: issuing,
            number,
            entries: number === revokedIn ? [{ serial, reason: 1 }] : [],
          }),
        );
        return {
          ...input,
          crls: [certificateList({ issuer: root }), ...(order === "first" ? crls : crls.toReversed())],
        };
      });
}
