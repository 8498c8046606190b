import {
  type Authority,
  basicConstraints,
  certificateList,
  type CrlOptions,
  crlDistributionPoints,
  directory,
  keyUsage,
  name,
  nextSerial,
  type PointOptions,
  uri,
} from "../certificate-builder.js";
import { time } from "../der-writer.js";
import { ed25519Key } from "../signing-keys.js";
import { type AddCase, authority, type CaseInput, leaf } from "../world.js";
import { statusScene, type StatusScene } from "./status.js";

type Expected = "SUCCESS" | "FAILURE";

/** Who may sign a CRL, and what that one's own status rests on. */
export function crlSignerCases(add: AddCase): void {
  separateSigners(add);
  deltaSigners(add);
  selfServingLeaves(add);
  nestedSigners(add);
  add("crl-signer::another-ca", "FAILURE", "A CRL in the issuer's name, signed by another CA that is in order.", () => {
    const set = statusScene();
    const mallory = authority("Mallory", set.root);
    return withCrls(set, [mallory], [certificateList({ issuer: { ...set.issuing, key: mallory.key } })]);
  });
  coveringThemselves(add);
}

/** CRL issuers, certified by a CA beside the issuing one, whose own CRL covers them because that CA says so. */
function coveringThemselves(add: AddCase): void {
  const named = name(["CN", "CRL issuer"]);
  const here = uri("http://as.mls.example/all.crl");
  const itself: PointOptions = { names: [here], crlIssuer: named };
  const byTwoNames: PointOptions = { names: [here], crlIssuerNames: [uri("http://as.mls.example/"), directory(named)] };
  const cases: readonly [string, Expected, boolean, PointOptions[]][] = [
    ["covers-itself-below-another-ca", "SUCCESS", false, [itself]],
    ["covers-itself-below-a-revoked-ca", "FAILURE", true, [itself]],
    ["covers-itself-under-two-names", "SUCCESS", false, [byTwoNames]],
    ["covers-itself-by-its-second-point", "SUCCESS", false, [{ names: [uri("http://as.mls.example/2.crl")] }, itself]],
  ];
  for (const [id, expected, revoked, points] of cases)
    add(`crl-signer::${id}`, expected, "A CRL issuer whose own CRL covers it, certified by a CA beside.", () => {
      const set = statusScene(crlDistributionPoints(itself));
      const serial = nextSerial();
      const beside = authority("Beside", set.root, { serial });
      const signer = crlSigner(beside, { subject: named, extensions: { more: [crlDistributionPoints(...points)] } });
      const indirect = certificateList({ issuer: signer, point: { names: [here], indirect: true } });
      const rootCrl = certificateList({ issuer: set.root, entries: revoked ? [{ serial, reason: 1 }] : [] });
      return { ...withCrls(set, [beside, signer], []), crls: [rootCrl, indirect] };
    });
}

/** The usual leaf with further intermediates; the root's CRL is in order, the others are the matter. */
function withCrls(set: StatusScene, more: readonly Authority[], crls: readonly Uint8Array[]): CaseInput {
  return {
    ...set.input,
    intermediates: [set.issuing.der, ...more.map(({ der }) => der)],
    crls: [certificateList({ issuer: set.root }), ...crls],
  };
}

/** A certificate for signing CRLs alone. */
function crlSigner(issuer: Authority, { extensions, ...overrides }: Parameters<typeof authority>[2] = {}): Authority {
  const usual = { basic: basicConstraints(false), usage: keyUsage(["cRLSign"]) };
  return authority("CRL issuer", issuer, { ...overrides, extensions: { ...usual, ...extensions } });
}

/** The issuing CA's name with a key for CRLs. */
const ownSigner = ({ root, issuing }: StatusScene, overrides: Parameters<typeof authority>[2] = {}): Authority =>
  crlSigner(root, { subject: issuing.name, key: ed25519Key("Issuing, CRLs"), ...overrides });

function separateSigners(add: AddCase): void {
  const cases: readonly [string, Expected, string, Parameters<typeof authority>[2]][] = [
    ["separate", "SUCCESS", "is in order", {}],
    ["separate-expired", "FAILURE", "has expired", { notAfter: time("2026-05-01T00:00:00Z") }],
    ["separate-not-yet-valid", "FAILURE", "is not valid yet", { notBefore: time("2026-07-01T00:00:00Z") }],
    ["separate-without-usage", "SUCCESS", "has no keyUsage", { extensions: { usage: null } }],
    [
      "separate-for-certificates",
      "FAILURE",
      "is for certificates",
      { extensions: { basic: basicConstraints(true), usage: keyUsage(["keyCertSign"]) } },
    ],
  ];
  for (const [id, expected, words, overrides] of cases)
    add(`crl-signer::${id}`, expected, `The certificate of the CA's key for CRLs ${words}.`, () => {
      const set = statusScene();
      const signer = ownSigner(set, overrides);
      return withCrls(set, [signer], [certificateList({ issuer: signer })]);
    });
}

const STALE: Partial<CrlOptions> = { thisUpdate: "2026-03-01T00:00:00Z", nextUpdate: "2026-04-01T00:00:00Z" };

/** A base that is out of date, and the delta that would bring it up to date. */
function deltaSigners(add: AddCase): void {
  const cases: readonly [string, Expected, string, (set: StatusScene) => [base: Authority, delta: Authority]][] = [
    ["delta-by-separate", "SUCCESS", "both are by the CA's key for CRLs", (set) => [ownSigner(set), ownSigner(set)]],
    ["delta-by-another", "FAILURE", "the delta is by another key of the CA", (set) => [set.issuing, ownSigner(set)]],
    ["delta-of-another-base", "FAILURE", "the base is by another key", (set) => [ownSigner(set), set.issuing]],
    [
      "delta-of-namesake-key",
      "FAILURE",
      "the delta is another CA's that has the same key",
      (set) => [set.issuing, authority("Another", set.root, { key: set.issuing.key })],
    ],
  ];
  for (const [id, expected, words, signers] of cases)
    add(`crl-signer::${id}`, expected, `A delta brings the base up to date; ${words}.`, () => {
      const set = statusScene();
      const [base, delta] = signers(set);
      const crls = [
        certificateList({ issuer: base, number: 10, ...STALE }),
        certificateList({ issuer: delta, number: 11, base: 10 }),
      ];
      return withCrls(set, [base, delta], crls);
    });
}

/** A leaf in its CA's name that may sign CRLs: by itself it must not vouch for itself. */
function selfServingLeaves(add: AddCase): void {
  const cases: readonly [string, string, boolean, PointOptions | undefined][] = [
    ["self-issued-leaf", "as the leaf alone", false, undefined],
    ["self-issued-leaf-given", "also as an intermediate", true, undefined],
    [
      "self-issued-leaf-pointing-elsewhere",
      "also as an intermediate, with another CRL issuer in its distribution point",
      true,
      { crlIssuer: name(["CN", "Elsewhere"]) },
    ],
    [
      "self-issued-leaf-pointing-to-a-uri",
      "also as an intermediate, with a CRL issuer that is no directory name",
      true,
      { crlIssuerNames: [uri("http://as.mls.example/")] },
    ],
  ];
  for (const [id, words, given, point] of cases)
    add(`crl-signer::${id}`, "FAILURE", `A self-issued leaf signs the CRL that would cover it, ${words}.`, () => {
      const { root, issuing } = statusScene();
      const key = ed25519Key("leaf");
      const points = point === undefined ? null : crlDistributionPoints(point);
      const usage = keyUsage(["digitalSignature", "cRLSign"]);
      const self = leaf(issuing, { usage, points }, { key, subject: issuing.name });
      return {
        leaf: self,
        intermediates: given ? [issuing.der, self] : [issuing.der],
        anchors: [root.der],
        crls: [certificateList({ issuer: root }), certificateList({ issuer: { ...issuing, key } })],
      };
    });
}

/** CRL issuers, each covered by the CRL of the next alone: the issuing CA, which certifies them, has no CRL of its own. */
function nestedSigners(add: AddCase): void {
  const named = (index: number): Uint8Array => name(["CN", `CRL issuer ${index}`]);
  const pointTo = (index: number): Uint8Array => crlDistributionPoints({ crlIssuer: named(index) });
  const nested = (count: number, last: Uint8Array | undefined): CaseInput => {
    const set = statusScene(pointTo(1));
    const signers = Array.from({ length: count }, (_, index) => {
      const points = index + 1 < count ? pointTo(index + 2) : last;
      return crlSigner(points === undefined ? set.root : set.issuing, {
        subject: named(index + 1),
        key: ed25519Key(`CRL issuer ${index + 1}`),
        extensions: { more: points === undefined ? [] : [points] },
      });
    });
    return withCrls(
      set,
      signers,
      signers.map((issuer) => certificateList({ issuer, point: { indirect: true } })),
    );
  };
  add("crl-signer::nested-three", "SUCCESS", "Three CRL issuers, the last of which the root's CRL covers.", () =>
    nested(3, undefined),
  );
  add("crl-signer::nested-four", "FAILURE", "Four CRL issuers are more than are followed.", () => nested(4, undefined));
  add("crl-signer::nested-circle", "FAILURE", "Two CRL issuers, each covered by the other's CRL.", () =>
    nested(2, pointTo(1)),
  );
}
