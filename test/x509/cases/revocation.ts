import {
  type Authority,
  authorityKeyIdentifier,
  basicConstraints,
  type CrlOptions,
  certificateList,
  crlDistributionPoints,
  directory,
  extendedKeyUsage,
  extension,
  issuerAltName,
  keyUsage,
  name,
  nextSerial,
  type OcspOptions,
  ocspResponse,
  attribute,
  subjectAltName,
  uri,
} from "../certificate-builder.js";
import { integer, nullValue, setOf } from "../der-writer.js";
import { ed25519Key } from "../signing-keys.js";
import { type AddCase, authority, type CaseInput, leaf, NAMES } from "../world.js";

const CRL_URI = uri("http://as.mls.example/crl/1.crl");

interface Scene {
  readonly root: Authority;
  readonly issuing: Authority;
  readonly serial: Uint8Array;
  readonly issuingSerial: Uint8Array;
  readonly leaf: Uint8Array;
}

function scene(points?: Uint8Array | null, issuingUsage: readonly string[] = ["keyCertSign", "cRLSign"]): Scene {
  const root = authority("Root");
  const issuingSerial = nextSerial();
  const issuing = authority("Issuing", root, { serial: issuingSerial, extensions: { usage: keyUsage(issuingUsage) } });
  const serial = nextSerial();
  return {
    root,
    issuing,
    serial,
    issuingSerial,
    leaf: leaf(issuing, points === undefined ? {} : { points }, { serial }),
  };
}

type CrlOf = (scene: Scene) => Uint8Array[];
const crl = (options: CrlOptions): Uint8Array => certificateList(options);
const good: CrlOf = ({ root, issuing }) => [crl({ issuer: root }), crl({ issuer: issuing })];

function judged(
  crls: CrlOf,
  points?: Uint8Array | null,
  extra: (scene: Scene) => Partial<CaseInput> = () => ({}),
): CaseInput {
  const set = scene(points);
  return { leaf: set.leaf, intermediates: [set.issuing.der], anchors: [set.root.der], crls: crls(set), ...extra(set) };
}

/** The root's CRL is in order; the issuing CA's is the matter. */
const issuingCrl =
  (options: (scene: Scene) => Omit<CrlOptions, "issuer">): CrlOf =>
  (set) => [crl({ issuer: set.root }), crl({ issuer: set.issuing, ...options(set) })];

export function revocationCases(add: AddCase): void {
  const cases: readonly [string, "SUCCESS" | "FAILURE", string, CrlOf, (Uint8Array | null)?][] = [
    ["good", "SUCCESS", "Every CA has a CRL, and nothing is revoked.", good],
    ["without-distribution-point", "SUCCESS", "Without a distribution point the issuer's CRL counts.", good, null],
    [
      "leaf-revoked",
      "FAILURE",
      "The leaf is revoked.",
      issuingCrl(({ serial }) => ({ entries: [{ serial, reason: 1 }] })),
    ],
    [
      "leaf-revoked-without-reason",
      "FAILURE",
      "An entry needs no reason.",
      issuingCrl(({ serial }) => ({ entries: [{ serial }] })),
    ],
    [
      "leaf-on-hold",
      "FAILURE",
      "A certificate on hold is not valid.",
      issuingCrl(({ serial }) => ({ entries: [{ serial, reason: 6 }] })),
    ],
    [
      "other-serial",
      "SUCCESS",
      "Another certificate is revoked.",
      issuingCrl(() => ({ entries: [{ serial: integer(12345), reason: 1 }] })),
    ],
    [
      "negative-serial-of-other",
      "SUCCESS",
      "An entry with a negative serial number is another certificate's.",
      issuingCrl(() => ({ entries: [{ serial: integer(-1) }] })),
    ],
    [
      "ca-revoked",
      "FAILURE",
      "The issuing CA is revoked.",
      ({ root, issuing, issuingSerial }) => [
        crl({ issuer: root, entries: [{ serial: issuingSerial, reason: 2 }] }),
        crl({ issuer: issuing }),
      ],
    ],
    ["leaf-crl-missing", "FAILURE", "The issuing CA's CRL is missing.", ({ root }) => [crl({ issuer: root })]],
    ["ca-crl-missing", "FAILURE", "The root's CRL is missing.", ({ issuing }) => [crl({ issuer: issuing })]],
    ["expired", "FAILURE", "nextUpdate has passed.", issuingCrl(() => ({ nextUpdate: "2026-05-31T00:00:00Z" }))],
    ["next-update-exact", "SUCCESS", "nextUpdate is now.", issuingCrl(() => ({ nextUpdate: "2026-06-01T00:00:00Z" }))],
    [
      "from-the-future",
      "FAILURE",
      "thisUpdate has not come yet.",
      issuingCrl(() => ({ thisUpdate: "2026-06-02T00:00:00Z" })),
    ],
    ["without-next-update", "FAILURE", "nextUpdate is required.", issuingCrl(() => ({ nextUpdate: null }))],
    ["without-number", "FAILURE", "A CRL number is required.", issuingCrl(() => ({ withoutNumber: true }))],
    [
      "number-critical",
      "FAILURE",
      "The CRL number must not be critical.",
      issuingCrl(() => ({ numberCritical: true })),
    ],
    [
      "version-1-with-extensions",
      "FAILURE",
      "Version 3 of CRLs does not exist.",
      issuingCrl(() => ({ version: integer(2) })),
    ],
    [
      "unknown-critical",
      "FAILURE",
      "An unknown critical extension.",
      issuingCrl(() => ({ extensions: [extension("1.3.6.1.4.1.32473.4", true, nullValue)] })),
    ],
    [
      "unknown-non-critical",
      "SUCCESS",
      "An unknown extension that is not critical.",
      issuingCrl(() => ({ extensions: [extension("1.3.6.1.4.1.32473.4", false, nullValue)] })),
    ],
    [
      "unknown-critical-entry",
      "FAILURE",
      "An unknown critical entry extension, of another certificate.",
      issuingCrl(() => ({
        entries: [{ serial: integer(5), extra: extension("1.3.6.1.4.1.32473.4", true, nullValue) }],
      })),
    ],
    [
      "bad-signature",
      "FAILURE",
      "The CRL's signature does not verify.",
      issuingCrl(() => ({ signature: (signature) => signature.map((octet) => octet ^ 1) })),
    ],
    [
      "by-another-key",
      "FAILURE",
      "A CRL in the CA's name by another key.",
      ({ root, issuing }) => [crl({ issuer: root }), crl({ issuer: { ...issuing, key: ed25519Key("Mallory") } })],
    ],
    [
      "bad-and-good",
      "SUCCESS",
      "A CRL that cannot be used beside one that can.",
      (set) => [...good(set), crl({ issuer: set.issuing, nextUpdate: "2026-05-31T00:00:00Z" })],
    ],
    [
      "reason-seven",
      "FAILURE",
      "Reason code 7 is not used.",
      issuingCrl(() => ({ entries: [{ serial: integer(5), reason: 7 }] })),
    ],

    [
      "idp-same-uri",
      "SUCCESS",
      "The issuing distribution point names the certificate's.",
      issuingCrl(() => ({ point: { names: [CRL_URI] } })),
    ],
    [
      "idp-other-uri",
      "FAILURE",
      "The issuing distribution point is another.",
      issuingCrl(() => ({ point: { names: [uri("http://as.mls.example/crl/2.crl")] } })),
    ],
    [
      "idp-not-critical",
      "FAILURE",
      "The issuing distribution point must be critical.",
      issuingCrl(() => ({ point: { names: [CRL_URI] }, pointCritical: false })),
    ],
    [
      "idp-user-only",
      "SUCCESS",
      "For user certificates only, and the leaf is one.",
      issuingCrl(() => ({ point: { user: true } })),
    ],
    [
      "idp-ca-only",
      "FAILURE",
      "For CA certificates only, and the leaf is none.",
      issuingCrl(() => ({ point: { ca: true } })),
    ],
    [
      "idp-attribute-only",
      "FAILURE",
      "For attribute certificates only.",
      issuingCrl(() => ({ point: { attribute: true } })),
    ],
    [
      "idp-contradiction",
      "FAILURE",
      "For user and for CA certificates only.",
      issuingCrl(() => ({ point: { user: true, ca: true } })),
    ],
    ["idp-empty", "FAILURE", "An issuing distribution point says something.", issuingCrl(() => ({ point: {} }))],
    [
      "idp-user-only-for-ca",
      "FAILURE",
      "The root's CRL is for user certificates only.",
      ({ root, issuing }) => [crl({ issuer: root, point: { user: true } }), crl({ issuer: issuing })],
    ],
    [
      "reasons-partial",
      "FAILURE",
      "The CRL covers some reasons only.",
      issuingCrl(() => ({ point: { reasons: [1, 2] } })),
    ],
    [
      "reasons-together",
      "SUCCESS",
      "Two CRLs cover all reasons together.",
      ({ root, issuing }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, point: { reasons: [1, 2, 3] } }),
        crl({ issuer: issuing, point: { reasons: [4, 5, 6, 7, 8] } }),
      ],
    ],
    [
      "reasons-revoked-in-second",
      "FAILURE",
      "Revoked in the second of two CRLs.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, point: { reasons: [1, 2, 3] } }),
        crl({ issuer: issuing, point: { reasons: [4, 5, 6, 7, 8] }, entries: [{ serial, reason: 4 }] }),
      ],
    ],

    [
      "delta-revokes",
      "FAILURE",
      "A delta CRL adds the leaf.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10 }),
        crl({ issuer: issuing, number: 11, base: 10, entries: [{ serial, reason: 1 }] }),
      ],
    ],
    [
      "delta-removes",
      "SUCCESS",
      "A delta CRL lifts a hold.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10, entries: [{ serial, reason: 6 }] }),
        crl({ issuer: issuing, number: 11, base: 9, entries: [{ serial, reason: 8 }] }),
      ],
    ],
    [
      "delta-base-too-new",
      "SUCCESS",
      "A delta CRL for a later base does not apply.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10 }),
        crl({ issuer: issuing, number: 12, base: 11, entries: [{ serial, reason: 1 }] }),
      ],
    ],
    [
      "delta-older",
      "FAILURE",
      "A delta CRL older than the complete one lifts nothing.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10, entries: [{ serial, reason: 6 }] }),
        crl({ issuer: issuing, number: 10, base: 9, entries: [{ serial, reason: 8 }] }),
      ],
    ],
    [
      "delta-forged",
      "FAILURE",
      "A delta CRL by another key lifts nothing.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10, entries: [{ serial, reason: 6 }] }),
        crl({
          issuer: { ...issuing, key: ed25519Key("Mallory") },
          number: 11,
          base: 9,
          entries: [{ serial, reason: 8 }],
        }),
      ],
    ],
    [
      "newer-revokes",
      "FAILURE",
      "Two current CRLs: the newer one lists the leaf.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10 }),
        crl({ issuer: issuing, number: 11, thisUpdate: "2026-05-02T00:00:00Z", entries: [{ serial, reason: 1 }] }),
      ],
    ],
    [
      "newer-lifts-hold",
      "SUCCESS",
      "Two current CRLs: the older one still has the leaf on hold.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10, entries: [{ serial, reason: 6 }] }),
        crl({ issuer: issuing, number: 11, thisUpdate: "2026-05-02T00:00:00Z" }),
      ],
    ],
    [
      "newer-forged",
      "FAILURE",
      "A newer CRL by another key lifts nothing.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10, entries: [{ serial, reason: 6 }] }),
        crl({ issuer: { ...issuing, key: ed25519Key("Mallory") }, number: 11, thisUpdate: "2026-05-02T00:00:00Z" }),
      ],
    ],
    [
      "removed-in-complete",
      "FAILURE",
      "removeFromCRL belongs in delta CRLs: a complete CRL with it cannot be used.",
      issuingCrl(({ serial }) => ({ entries: [{ serial, reason: 8 }] })),
    ],
    [
      "crl-issuer-same-not-indirect",
      "FAILURE",
      "A distribution point with cRLIssuer asks for an indirect CRL; the issuing distribution point names it.",
      issuingCrl(() => ({ point: { names: [CRL_URI] } })),
      crlDistributionPoints({ names: [CRL_URI], crlIssuer: name(["O", "MLS Example"], ["CN", "Issuing"]) }),
    ],
    ["delta-alone", "FAILURE", "A delta CRL without its base.", issuingCrl(() => ({ number: 11, base: 10 }))],
    [
      "delta-other-scope",
      "SUCCESS",
      "A delta CRL of another scope does not apply.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10 }),
        crl({ issuer: issuing, number: 11, base: 10, point: { user: true }, entries: [{ serial, reason: 1 }] }),
      ],
    ],
    [
      "delta-expired",
      "SUCCESS",
      "A delta CRL out of date does not apply.",
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, number: 10 }),
        crl({
          issuer: issuing,
          number: 11,
          base: 10,
          nextUpdate: "2026-05-31T00:00:00Z",
          entries: [{ serial, reason: 1 }],
        }),
      ],
    ],
  ];
  for (const [id, expected, description, crls, points] of cases)
    add(`crl::${id}`, expected, description, () => judged(crls, points));

  add("crl::issuer-without-crl-sign", "FAILURE", "The issuing CA may not sign CRLs.", () => {
    const set = scene(undefined, ["keyCertSign"]);
    return { leaf: set.leaf, intermediates: [set.issuing.der], anchors: [set.root.der], crls: good(set) };
  });
  add("crl::relative-name", "SUCCESS", "A distribution point named relative to the issuer.", () => {
    const relative = setOf(attribute("CN", "CRL 1")).subarray(2);
    const full = name(["O", "MLS Example"], ["CN", "Issuing"], ["CN", "crl 1"]);
    return judged(
      issuingCrl(() => ({ point: { names: [directory(full)] } })),
      crlDistributionPoints({ relative }),
    );
  });
  add("crl::separate-key", "SUCCESS", "The CA has a key of its own for CRLs, certified by the root.", () =>
    separateSigner(["cRLSign"], "Root"),
  );
  add("crl::separate-key-not-certified", "FAILURE", "The CA's key for CRLs is certified by another anchor.", () =>
    separateSigner(["cRLSign"], "Other"),
  );
  add("crl::separate-key-revoked", "FAILURE", "The certificate of the CA's key for CRLs is revoked.", () =>
    separateSigner(["cRLSign"], "Root", true),
  );
  add("crl::separate-key-without-crl-sign", "FAILURE", "The CA's second key may not sign CRLs.", () =>
    separateSigner(["digitalSignature"], "Root"),
  );
  add("crl::indirect", "SUCCESS", "An indirect CRL of the issuer that the distribution point names.", () =>
    indirect({}),
  );
  add("crl::indirect-revoked", "FAILURE", "An indirect CRL lists the leaf under its issuer.", () =>
    indirect({ list: "issuing" }),
  );
  add("crl::indirect-other-issuer", "SUCCESS", "The same serial number under another issuer.", () =>
    indirect({ list: "root" }),
  );
  add(
    "crl::indirect-default-issuer",
    "SUCCESS",
    "An entry without certificate issuer is one of the CRL issuer's own.",
    () => indirect({ list: "default" }),
  );
  add("crl::indirect-carried-over", "FAILURE", "The certificate issuer carries over to the entries that follow.", () =>
    indirect({ list: "carried" }),
  );
  add("crl::indirect-not-asserted", "FAILURE", "The CRL does not say that it is indirect.", () =>
    indirect({ asserted: false }),
  );
  add("crl::indirect-not-named", "FAILURE", "The distribution point does not name the CRL issuer.", () =>
    indirect({ named: false }),
  );
  ocspCases(add);
  staleBaseCases(add);
  add("crl::issuer-alternative-name", "SUCCESS", "The issuer's other name counts as a distribution point.", () =>
    otherName("http://as.mls.example/crl/1.crl"),
  );
  add("crl::issuer-alternative-name-other", "FAILURE", "The CRL is for another name than the issuer's.", () =>
    otherName("http://as.mls.example/crl/2.crl"),
  );
  add("crl::indirect-covers-itself", "SUCCESS", "A CRL issuer's CA lets its CRL cover the CRL issuer too.", () =>
    coveringItself({}),
  );
  add("crl::indirect-covers-itself-leaf-revoked", "FAILURE", "Such a CRL lists the leaf.", () =>
    coveringItself({ revoked: "leaf" }),
  );
  add("crl::indirect-covers-itself-revoked", "FAILURE", "Such a CRL lists its own issuer.", () =>
    coveringItself({ revoked: "signer" }),
  );
  add("crl::indirect-covers-itself-unasked", "FAILURE", "The CA does not say where the CRL issuer is covered.", () =>
    coveringItself({ named: false }),
  );
}

/** A complete CRL out of date, with delta CRLs. */
function staleBaseCases(add: AddCase): void {
  const past = "2026-05-31T00:00:00Z";
  const cases: readonly [string, "SUCCESS" | "FAILURE", string, CrlOf][] = [
    [
      "good",
      "SUCCESS",
      "A current delta CRL brings its base up to date.",
      ({ issuing }) => [
        crl({ issuer: issuing, number: 10, nextUpdate: past }),
        crl({ issuer: issuing, number: 11, base: 10 }),
      ],
    ],
    [
      "base-revokes",
      "FAILURE",
      "What the base lists stays revoked.",
      ({ issuing, serial }) => [
        crl({ issuer: issuing, number: 10, nextUpdate: past, entries: [{ serial, reason: 1 }] }),
        crl({ issuer: issuing, number: 11, base: 10 }),
      ],
    ],
    [
      "delta-revokes",
      "FAILURE",
      "The delta CRL adds the leaf.",
      ({ issuing, serial }) => [
        crl({ issuer: issuing, number: 10, nextUpdate: past }),
        crl({ issuer: issuing, number: 11, base: 10, entries: [{ serial, reason: 1 }] }),
      ],
    ],
    [
      "delta-base-too-new",
      "FAILURE",
      "The delta CRL is for a later base.",
      ({ issuing }) => [
        crl({ issuer: issuing, number: 10, nextUpdate: past }),
        crl({ issuer: issuing, number: 12, base: 11 }),
      ],
    ],
    [
      "delta-expired",
      "FAILURE",
      "Base and delta CRL are out of date.",
      ({ issuing }) => [
        crl({ issuer: issuing, number: 10, nextUpdate: past }),
        crl({ issuer: issuing, number: 11, base: 10, nextUpdate: past }),
      ],
    ],
    [
      "delta-forged",
      "FAILURE",
      "The delta CRL is by another key.",
      ({ issuing }) => [
        crl({ issuer: issuing, number: 10, nextUpdate: past }),
        crl({ issuer: { ...issuing, key: ed25519Key("Mallory") }, number: 11, base: 10 }),
      ],
    ],
  ];
  for (const [id, expected, description, crls] of cases)
    add(`crl::stale-base-${id}`, expected, description, () =>
      judged((set) => [crl({ issuer: set.root }), ...crls(set)]),
    );
}

/** A leaf without distribution point whose issuer has another name, and a CRL for distribution point `point`. */
function otherName(point: string): CaseInput {
  const root = authority("Root");
  const issuing = authority("Issuing", root);
  return {
    leaf: leaf(issuing, { points: null, more: [issuerAltName([CRL_URI])] }),
    intermediates: [issuing.der],
    anchors: [root.der],
    crls: [crl({ issuer: root }), crl({ issuer: issuing, point: { names: [uri(point)] } })],
  };
}

/** The issuing CA has no CRL; one that it certifies for CRLs covers all it issues, that certificate included. */
function coveringItself({ revoked, named = true }: { revoked?: "leaf" | "signer"; named?: boolean }): CaseInput {
  const issuerName = name(["O", "MLS Example"], ["CN", "CRL issuer"]);
  const points = crlDistributionPoints({ names: [CRL_URI], crlIssuer: issuerName });
  const set = scene(points);
  const signerSerial = nextSerial();
  const signer = authority("CRL issuer", set.issuing, {
    subject: issuerName,
    serial: signerSerial,
    extensions: {
      basic: basicConstraints(false),
      usage: keyUsage(["cRLSign"]),
      more: named ? [points] : [],
    },
  });
  const serial = revoked === "leaf" ? set.serial : signerSerial;
  const indirectCrl = crl({
    issuer: signer,
    point: { names: [CRL_URI], indirect: true },
    entries: revoked === undefined ? [] : [{ serial, issuer: set.issuing.name }],
  });
  return {
    leaf: set.leaf,
    intermediates: [set.issuing.der, signer.der],
    anchors: [set.root.der],
    crls: [crl({ issuer: set.root }), indirectCrl],
  };
}

function separateSigner(usages: readonly string[], anchorLabel: string, revoked = false): CaseInput {
  const set = scene();
  const anchor = anchorLabel === "Root" ? set.root : authority(anchorLabel);
  const serial = nextSerial();
  const signer = authority("Issuing", anchor, {
    key: ed25519Key("CRL key"),
    serial,
    extensions: { basic: basicConstraints(false), usage: keyUsage(usages) },
  });
  const root = crl({ issuer: set.root, entries: revoked ? [{ serial, reason: 1 }] : [] });
  const others = anchorLabel === "Root" ? [] : [crl({ issuer: anchor })];
  return {
    leaf: set.leaf,
    intermediates: [set.issuing.der, signer.der],
    anchors: [set.root.der, ...(anchorLabel === "Root" ? [] : [anchor.der])],
    crls: [root, ...others, crl({ issuer: signer })],
  };
}

function indirect({
  list,
  asserted = true,
  named = true,
}: {
  list?: "issuing" | "root" | "default" | "carried";
  asserted?: boolean;
  named?: boolean;
}): CaseInput {
  const issuerName = name(["O", "MLS Example"], ["CN", "CRL issuer"]);
  const set = scene(crlDistributionPoints(named ? { names: [CRL_URI], crlIssuer: issuerName } : { names: [CRL_URI] }));
  const signer = authority("CRL issuer", set.root, {
    subject: issuerName,
    extensions: { basic: basicConstraints(false), usage: keyUsage(["cRLSign"]) },
  });
  const { serial } = set;
  const entries = {
    issuing: [{ serial, issuer: set.issuing.name }],
    root: [{ serial, issuer: set.root.name }],
    default: [{ serial }],
    carried: [{ serial: integer(3), issuer: set.issuing.name }, { serial }],
    none: [],
  }[list ?? "none"];
  const indirectCrl = crl({
    issuer: signer,
    point: { names: [CRL_URI], ...(asserted ? { indirect: true } : {}) },
    entries,
  });
  return {
    leaf: set.leaf,
    intermediates: [set.issuing.der, signer.der],
    anchors: [set.root.der],
    crls: [crl({ issuer: set.root }), indirectCrl],
  };
}

function ocspCases(add: AddCase): void {
  const answered = (options: (scene: Scene) => Partial<OcspOptions>): CaseInput =>
    judged(
      ({ root }) => [crl({ issuer: root })],
      undefined,
      (set) => ({ ocsp: [ocspResponse({ issuer: set.issuing, serial: set.serial, status: "good", ...options(set) })] }),
    );
  const delegate = (
    set: Scene,
    { purposes = ["1.3.6.1.5.5.7.3.9"], noCheck = true, issuer = set.issuing } = {},
  ): Authority => {
    const key = ed25519Key("Responder");
    const subject = name(["CN", "OCSP responder"]);
    const der = leaf(
      issuer,
      {
        names: subjectAltName(NAMES, false),
        purposes: extendedKeyUsage(purposes),
        aki: authorityKeyIdentifier(issuer.key),
        more: noCheck ? [extension("1.3.6.1.5.5.7.48.1.5", false, nullValue)] : [],
      },
      { key, subject },
    );
    return { name: subject, key, der };
  };
  const cases: readonly [string, "SUCCESS" | "FAILURE", string, (scene: Scene) => Partial<OcspOptions>][] = [
    ["good", "SUCCESS", "The issuer itself answers.", () => ({})],
    ["good-sha256", "SUCCESS", "The certificate is named with SHA-256.", () => ({ hash: "sha256" })],
    ["good-by-key", "SUCCESS", "The responder is named by its key.", () => ({ byKey: true })],
    ["revoked", "FAILURE", "The answer is revoked.", () => ({ status: "revoked" })],
    ["unknown", "FAILURE", "The responder does not know the certificate.", () => ({ status: "unknown" })],
    ["other-serial", "FAILURE", "The answer is about another certificate.", () => ({ serial: integer(99) })],
    ["out-of-date", "FAILURE", "nextUpdate has passed.", () => ({ nextUpdate: "2026-05-31T00:00:00Z" })],
    ["without-next-update", "FAILURE", "Newer information is always to be had.", () => ({ nextUpdate: null })],
    ["from-the-future", "FAILURE", "thisUpdate has not come yet.", () => ({ thisUpdate: "2026-06-02T00:00:00Z" })],
    [
      "bad-signature",
      "FAILURE",
      "The signature does not verify.",
      () => ({ signature: (signature) => signature.map((octet) => octet ^ 1) }),
    ],
    ["try-later", "FAILURE", "An unsuccessful response says nothing.", () => ({ responseStatus: 3 })],
    [
      "revoked-after-good",
      "FAILURE",
      "One response says good of the certificate, and then revoked.",
      () => ({ more: [{ status: "revoked" }] }),
    ],
    [
      "good-after-out-of-date",
      "SUCCESS",
      "The second answer of a response is current.",
      () => ({ nextUpdate: "2026-05-31T00:00:00Z", more: [{ status: "good" }] }),
    ],
    [
      "delegate",
      "SUCCESS",
      "A responder that the issuer has certified for OCSP.",
      (set) => ({ signer: delegate(set) }),
    ],
    [
      "delegate-without-purpose",
      "FAILURE",
      "A certificate without id-kp-OCSPSigning.",
      (set) => ({ signer: delegate(set, { purposes: ["1.3.6.1.5.5.7.3.40"] }) }),
    ],
    [
      "delegate-of-root",
      "FAILURE",
      "A responder that another CA has certified.",
      (set) => ({ signer: delegate(set, { issuer: set.root }) }),
    ],
    [
      "delegate-without-no-check",
      "FAILURE",
      "A responder whose own status is open.",
      (set) => ({ signer: delegate(set, { noCheck: false }) }),
    ],
  ];
  for (const [id, expected, description, options] of cases)
    add(`ocsp::${id}`, expected, description, () => answered(options));
  add("ocsp::good-but-on-crl", "FAILURE", "One source says good, the CRL says revoked.", () =>
    judged(
      ({ root, issuing, serial }) => [
        crl({ issuer: root }),
        crl({ issuer: issuing, entries: [{ serial, reason: 1 }] }),
      ],
      undefined,
      (set) => ({ ocsp: [ocspResponse({ issuer: set.issuing, serial: set.serial, status: "good" })] }),
    ),
  );
}
