import {
  attribute,
  type CrlOptions,
  certificateList,
  crlDistributionPoints,
  directory,
  ip,
  name,
  otherName,
  type PointOptions,
  registeredId,
  uri,
} from "../certificate-builder.js";
import { bytes, element, setOf } from "../der-writer.js";
import { type AddCase, authority, type CaseInput, leaf } from "../world.js";
import { statusScene, type StatusScene } from "./status.js";

type Expected = "SUCCESS" | "FAILURE";
type Crls = (set: StatusScene) => Omit<CrlOptions, "issuer">[];

const POINT = uri("http://as.mls.example/crl/1.crl");
const KEY_COMPROMISE = [1];
const OTHER_REASONS = [2, 3, 4, 5, 6, 7, 8];

/** What a CRL covers: reasons, times, scopes and deltas. */
export function crlScopeCases(add: AddCase): void {
  reasonCases(add);
  timeCases(add);
  deltaCases(add);
  crlIssuerNames(add);
  pointNameForms(add);
  for (const [id, expected, scope] of [
    ["leaf-without-basic-constraints", "SUCCESS", { user: true }],
    ["leaf-without-basic-constraints-ca", "FAILURE", { ca: true }],
  ] as const)
    add(`crl-scope::${id}`, expected, "What has no basicConstraints is no CA.", () => {
      const root = authority("Root");
      const issuing = authority("Issuing", root);
      return {
        leaf: leaf(issuing, { basic: null, points: null }),
        intermediates: [issuing.der],
        anchors: [root.der],
        crls: [certificateList({ issuer: root }), certificateList({ issuer: issuing, point: scope })],
      };
    });
}

/** The root's CRL is in order; those of the issuing CA are the matter. */
function covered(crls: Crls, points: readonly PointOptions[] = []): CaseInput {
  const set = statusScene(points.length === 0 ? null : crlDistributionPoints(...points));
  const lists = crls(set).map((options) => certificateList({ issuer: set.issuing, ...options }));
  return { ...set.input, crls: [certificateList({ issuer: set.root }), ...lists] };
}

function reasonCases(add: AddCase): void {
  const some = (flags: readonly number[]) => ({ names: [POINT], reasons: flags });
  const cases: readonly [string, Expected, string, Crls, PointOptions[]][] = [
    [
      "reasons-overlapping",
      "SUCCESS",
      "A CRL for one reason, and an older one for all.",
      () => [{ point: { reasons: KEY_COMPROMISE } }, { number: 9, thisUpdate: "2026-04-01T00:00:00Z" }],
      [],
    ],
    [
      "reasons-of-the-point",
      "FAILURE",
      "The distribution point asks for one reason only.",
      () => [{ point: { names: [POINT] } }],
      [some(KEY_COMPROMISE)],
    ],
    [
      "reasons-of-two-points",
      "SUCCESS",
      "Two distribution points ask for all reasons together.",
      () => [{ point: { names: [POINT] } }],
      [some(KEY_COMPROMISE), some(OTHER_REASONS)],
    ],
    [
      "reasons-of-point-and-crl",
      "FAILURE",
      "What the distribution point asks for is not what the CRL is about.",
      () => [{ point: some(KEY_COMPROMISE) }],
      [some(OTHER_REASONS)],
    ],
    [
      "reasons-elsewhere-revoked",
      "FAILURE",
      "The second CRL, for the other reasons, lists the leaf.",
      ({ serial }) => [
        { point: { reasons: KEY_COMPROMISE } },
        { number: 11, point: { reasons: OTHER_REASONS }, entries: [{ serial, reason: 3 }] },
      ],
      [],
    ],
  ];
  for (const [id, expected, words, crls, points] of cases)
    add(`crl-scope::${id}`, expected, words, () => covered(crls, points));
}

const NOW = "2026-06-01T00:00:00Z";

function timeCases(add: AddCase): void {
  const cases: readonly [string, Expected, Partial<CrlOptions>][] = [
    ["this-update-now", "SUCCESS", { thisUpdate: NOW }],
    ["this-update-in-a-second", "FAILURE", { thisUpdate: "2026-06-01T00:00:01Z" }],
    ["next-update-now", "SUCCESS", { nextUpdate: NOW }],
    ["next-update-a-second-ago", "FAILURE", { nextUpdate: "2026-05-31T23:59:59Z" }],
  ];
  for (const [id, expected, options] of cases)
    add(`crl-scope::${id}`, expected, `A CRL at the edge of its time (${id}).`, () => covered(() => [options]));
  for (const order of ["first", "last"] as const)
    for (const [id, expected, newerRevokes] of [
      ["newer-revokes", "FAILURE", true],
      ["older-revokes", "SUCCESS", false],
    ] as const)
      add(`crl-scope::${id}-by-time-${order}`, expected, "Of two CRLs with one number the younger decides.", () =>
        covered(({ serial }) => {
          const entries = [{ serial, reason: 1 }];
          const lists = [
            { thisUpdate: "2026-05-02T00:00:00Z", ...(newerRevokes ? { entries } : {}) },
            { thisUpdate: "2026-05-01T00:00:00Z", ...(newerRevokes ? {} : { entries }) },
          ];
          return order === "first" ? lists : lists.toReversed();
        }),
      );
}

function deltaCases(add: AddCase): void {
  const stale = { number: 10, thisUpdate: "2026-03-01T00:00:00Z", nextUpdate: "2026-04-01T00:00:00Z" };
  const here = { names: [POINT] };
  const elsewhere = { names: [uri("http://as.mls.example/crl/2.crl")] };
  const scopes: readonly [string, Expected, PointOptions | undefined, PointOptions | undefined][] = [
    ["same-scope", "SUCCESS", here, here],
    ["other-scope", "FAILURE", here, elsewhere],
    ["without-scope", "FAILURE", here, undefined],
    ["narrower-scope", "FAILURE", undefined, here],
  ];
  for (const [id, expected, base, delta] of scopes)
    add(`crl-scope::delta-${id}`, expected, "A delta brings the base up to date only within its scope.", () =>
      covered(
        () => [
          { ...stale, ...(base === undefined ? {} : { point: base }) },
          { number: 11, base: 10, ...(delta === undefined ? {} : { point: delta }) },
        ],
        [here],
      ),
    );
  for (const [id, expected, revokedIn] of [
    ["newer-delta-revokes", "FAILURE", 12],
    ["older-delta-revokes", "SUCCESS", 11],
  ] as const)
    for (const order of ["first", "last"] as const)
      add(`crl-scope::${id}-${order}`, expected, "Of two deltas to one base the newer decides.", () =>
        covered(({ serial }) => {
          const lists = [11, 12].map((number) => ({
            number,
            base: 10,
            ...(number === revokedIn ? { entries: [{ serial, reason: 1 }] } : {}),
          }));
          return [{ number: 10 }, ...(order === "first" ? lists : lists.toReversed())];
        }),
      );
  for (const [id, reasons] of [
    ["revokes-then-removes", [1, 8]],
    ["removes-then-revokes", [8, 1]],
  ] as const)
    add(
      `crl-scope::delta-${id}`,
      "FAILURE",
      "A delta names a certificate twice: it is revoked if either says so.",
      () =>
        covered(({ serial }) => [
          { number: 10, entries: [{ serial, reason: 6 }] },
          { number: 11, base: 10, entries: reasons.map((reason) => ({ serial, reason })) },
        ]),
    );
  add("crl-scope::newer-delta-late", "FAILURE", "The newer of two deltas is out of date; the older one revokes.", () =>
    covered(({ serial }) => [
      { number: 10 },
      { number: 11, base: 10, entries: [{ serial, reason: 1 }] },
      { number: 12, base: 10, thisUpdate: "2026-05-02T00:00:00Z", nextUpdate: "2026-05-31T00:00:00Z" },
    ]),
  );
}

/** Names of the CRL issuer in the distribution point. */
function crlIssuerNames(add: AddCase): void {
  const issuerName = name(["O", "MLS Example"], ["CN", "Issuing"]);
  const relative = setOf(attribute("CN", "CRL 1")).subarray(2);
  const below = name(["O", "MLS Example"], ["CN", "Issuing"], ["CN", "CRL 1"]);
  const elsewhere = name(["CN", "Elsewhere"], ["CN", "CRL 1"]);
  const indirect = (names?: Uint8Array[]): Crls => {
    const point = { indirect: true, ...(names === undefined ? {} : { names }) };
    return () => [{ point }];
  };
  const cases: readonly [string, Expected, string, Crls, PointOptions][] = [
    [
      "several",
      "SUCCESS",
      "The CRL issuer has a URI and a directory name.",
      indirect(),
      { crlIssuerNames: [uri("http://as.mls.example/"), directory(issuerName)] },
    ],
    [
      "no-directory-name",
      "FAILURE",
      "The CRL issuer has no directory name.",
      indirect([uri("http://as.mls.example/")]),
      { crlIssuerNames: [uri("http://as.mls.example/")] },
    ],
    [
      "not-indirect",
      "SUCCESS",
      "The CRL is not indirect; it counts as the issuer's own.",
      () => [{}],
      { crlIssuer: issuerName },
    ],
    [
      "alone",
      "SUCCESS",
      "The CRL's distribution point has the name of the CRL issuer.",
      indirect([directory(issuerName)]),
      { crlIssuer: issuerName },
    ],
    [
      "alone-other",
      "FAILURE",
      "The CRL's distribution point has another name than the CRL issuer.",
      indirect([POINT]),
      { crlIssuer: issuerName },
    ],
    [
      "relative",
      "SUCCESS",
      "A name relative to the CRL issuer.",
      indirect([directory(below)]),
      { relative, crlIssuerNames: [uri("http://as.mls.example/"), directory(issuerName)] },
    ],
    [
      "relative-elsewhere",
      "FAILURE",
      "A name relative to another CRL issuer.",
      indirect([directory(below)]),
      { relative, crlIssuerNames: [directory(name(["CN", "Elsewhere"])), directory(issuerName)] },
    ],
    [
      "relative-to-the-first",
      "SUCCESS",
      "A name relative to the first directory name of the CRL issuer.",
      indirect([directory(elsewhere)]),
      { relative, crlIssuerNames: [directory(name(["CN", "Elsewhere"])), directory(issuerName)] },
    ],
  ];
  for (const [id, expected, words, crls, point] of cases)
    add(`crl-issuer-name::${id}`, expected, words, () => covered(crls, [point]));
}

/** Names that differ only in how their parts are divided, and a type that is rare. */
function pointNameForms(add: AddCase): void {
  const cases: readonly [string, Expected, Uint8Array, Uint8Array][] = [
    ["uri-case-of-host", "SUCCESS", POINT, uri("HTTP://AS.mls.example/crl/1.crl")],
    ["uri-other-host", "FAILURE", POINT, uri("http://bs.mls.example/crl/1.crl")],
    ["uri-case-of-scheme-alone", "SUCCESS", uri("urn:X:y"), uri("URN:X:y")],
    ["uri-case-of-name", "FAILURE", uri("urn:X:y"), uri("urn:x:y")],
    ["uri-case-of-path", "FAILURE", POINT, uri("http://as.mls.example/CRL/1.crl")],
    ["ip-divided", "FAILURE", ip(192, 0, 2, 1), ip(19, 20, 2, 1)],
    [
      "other-name-divided",
      "FAILURE",
      otherName("1.2.3", element(4, bytes(1, 23))),
      otherName("1.2.3", element(4, bytes(12, 3))),
    ],
    ["registered-id", "SUCCESS", registeredId("1.2.3.4"), registeredId("1.2.3.4")],
    ["registered-id-other", "FAILURE", registeredId("1.2.3.4"), registeredId("1.2.3.5")],
  ];
  for (const [id, expected, asked, issued] of cases)
    add(`point-name::${id}`, expected, `The names of certificate and CRL (${id}).`, () =>
      covered(() => [{ point: { names: [issued] } }], [{ names: [asked] }]),
    );
}
