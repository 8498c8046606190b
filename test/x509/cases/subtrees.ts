import {
  certificatePolicies,
  directory,
  dns,
  email,
  inhibitAnyPolicy,
  ip,
  name,
  nameConstraints,
  otherName,
  subjectAltName,
  uri,
} from "../certificate-builder.js";
import { element, oid, sequence, setOf, utf8 } from "../der-writer.js";
import { type AddCase, authority, type CaseInput, leaf, NAMES, NO_NAME, withLeaf } from "../world.js";

type Expected = "SUCCESS" | "FAILURE";

interface Constrained {
  readonly permitted?: readonly Uint8Array[];
  readonly excluded?: readonly Uint8Array[];
  readonly names?: readonly Uint8Array[] | null;
  readonly subject?: Uint8Array;
}

const utf8Mailbox = otherName("1.3.6.1.5.5.7.8.9", element(12, utf8("jö@mls.example")));

/** More of name constraints: their own form, several of them, and names at their edges. */
export function subtreeCases(add: AddCase): void {
  const cases: readonly [string, Expected, string, Constrained][] = [
    ["uri-empty-label", "FAILURE", "A URI constraint with an empty label.", { permitted: [uri("mls..example")] }],
    [
      "email-quoted-excluded",
      "FAILURE",
      "An excluded mailbox in quotes.",
      { excluded: [email("joe@mls.example")], names: [email('"joe"@mls.example')] },
    ],
    [
      "email-escaped-excluded",
      "FAILURE",
      "An excluded mailbox in quotes, with an escape.",
      { excluded: [email("joe@mls.example")], names: [email('"j\\oe"@mls.example')] },
    ],
    [
      "email-quoted-permitted",
      "SUCCESS",
      "A permitted mailbox in quotes.",
      { permitted: [email("joe@mls.example")], names: [email('"joe"@mls.example')] },
    ],
    [
      "email-quoted-another",
      "FAILURE",
      "Another mailbox in quotes.",
      { permitted: [email("joe@mls.example")], names: [email('"jo e"@mls.example')] },
    ],
    [
      "utf8-mailbox-excluded",
      "FAILURE",
      "An e-mail address beyond ASCII where all are excluded.",
      { excluded: [email("")], names: [utf8Mailbox] },
    ],
    [
      "utf8-mailbox-permitted",
      "FAILURE",
      "An e-mail address beyond ASCII where a host's are permitted: it is not judged.",
      { permitted: [email("mls.example")], names: [utf8Mailbox] },
    ],
    [
      "utf8-mailbox-unconstrained",
      "SUCCESS",
      "An e-mail address beyond ASCII where DNS names are excluded.",
      { excluded: [dns("")], names: [utf8Mailbox] },
    ],
    [
      "other-name-beside-email",
      "SUCCESS",
      "Another otherName where all e-mail addresses are excluded.",
      { excluded: [email("")], names: [otherName("1.3.6.1.5.5.7.8.5", element(12, utf8("joe@mls.example")))] },
    ],
    [
      "email-empty-label",
      "FAILURE",
      "An e-mail constraint with an empty label.",
      { permitted: [email("mls..example")] },
    ],
    ["email-no-host", "FAILURE", "An e-mail constraint whose host is no host name.", { permitted: [email("a@-mls")] }],
    [
      "email-no-mailbox",
      "FAILURE",
      "An e-mail constraint with two at signs.",
      { permitted: [email("a@b@mls.example")] },
    ],
    ["email-bad-host", "FAILURE", "An e-mail constraint that is no host name.", { permitted: [email("-mls.example")] }],
    [
      "ip-five-octets",
      "FAILURE",
      "An address constraint of five octets and a mask.",
      { permitted: [ip(192, 0, 2, 1, 1, 255, 255, 255, 255, 255)] },
    ],
    [
      "ip-odd-length",
      "FAILURE",
      "An address constraint of nine octets.",
      { permitted: [ip(192, 0, 2, 0, 255, 255, 255, 0, 0)] },
    ],
    [
      "ip-mask-with-gap",
      "FAILURE",
      "A mask with a gap between two octets.",
      { permitted: [ip(192, 0, 2, 0, 255, 1, 0, 0)] },
    ],
    [
      "ip-mask-odd-prefix",
      "SUCCESS",
      "A mask of 18 bits.",
      { permitted: [ip(192, 0, 128, 0, 255, 255, 192, 0)], names: [ip(192, 0, 191, 1)] },
    ],
    [
      "ip-mask-odd-prefix-outside",
      "FAILURE",
      "A mask of 18 bits.",
      { permitted: [ip(192, 0, 128, 0, 255, 255, 192, 0)], names: [ip(192, 0, 192, 1)] },
    ],
    [
      "ip-excluded-five-octets",
      "FAILURE",
      "An address of five octets counts as excluded.",
      { excluded: [ip(192, 0, 2, 0, 255, 255, 255, 0)], names: [ip(198, 51, 100, 1, 1)] },
    ],
    [
      "two-permitted-first",
      "SUCCESS",
      "The first of two permitted hosts.",
      { permitted: [uri("mls.example"), uri("other.example")] },
    ],
    [
      "two-permitted-second",
      "SUCCESS",
      "The second of two permitted hosts.",
      { permitted: [uri("other.example"), uri("mls.example")] },
    ],
    [
      "two-excluded-second",
      "FAILURE",
      "The second of two excluded hosts.",
      { excluded: [uri("other.example"), uri("mls.example")] },
    ],
    [
      "wildcard-unrelated",
      "SUCCESS",
      "What a wildcard stands for is not below an unrelated excluded host.",
      { excluded: [dns("intranet.org")], names: [dns("*.mls.example")] },
    ],
    [
      "wildcard-two-below",
      "SUCCESS",
      "A wildcard stands for one label, and the excluded host has two more.",
      { excluded: [dns("a.b.mls.example")], names: [dns("*.mls.example")] },
    ],
    [
      "wildcard-one-below",
      "FAILURE",
      "A wildcard may stand for the excluded host.",
      { excluded: [dns("a.mls.example")], names: [dns("*.mls.example")] },
    ],
    [
      "wildcard-one-below-permitted",
      "FAILURE",
      "A wildcard may stand for more than the permitted host.",
      { permitted: [dns("a.mls.example")], names: [dns("*.mls.example")] },
    ],
    [
      "other-types",
      "SUCCESS",
      "Constraints on other types say nothing of URIs.",
      { permitted: [dns("a.example"), email("a.example"), directory(name(["CN", "x"])), ip(1, 0, 0, 0, 255, 0, 0, 0)] },
    ],
  ];
  for (const [id, expected, words, { permitted = [], excluded = [], names, subject = NO_NAME }] of cases)
    add(`subtree::${id}`, expected, words, () =>
      withLeaf((issuing) => leaf(issuing, { names: subjectAltName(names ?? NAMES) }, { subject }), {
        more: [nameConstraints(permitted, excluded)],
      }),
    );

  // emailAddress (PKCS #9) of a type that is no string.
  const oddAddress = sequence(setOf(sequence(oid("1.2.840.113549.1.9.1"), element(3, Uint8Array.of(0, 1)))));
  for (const [id, permitted, excluded] of [
    ["subject-email-odd-permitted", [email("mls.example")], []],
    ["subject-email-odd-excluded", [], [email("other.example")]],
  ] as const)
    add(`subtree::${id}`, "FAILURE", "An e-mail address of the subject that is no string cannot be judged.", () =>
      withLeaf((issuing) => leaf(issuing, { names: null }, { subject: oddAddress }), {
        more: [nameConstraints(permitted, excluded)],
      }),
    );
  selfIssuedLeaves(add);
}

/** Only what does not end the path is let off for being self-issued. */
function selfIssuedLeaves(add: AddCase): void {
  const selfIssued = (
    more: Uint8Array[],
    leafExtensions: Parameters<typeof leaf>[1],
    input: Partial<CaseInput> = {},
  ) => {
    const root = authority("Root");
    const issuing = authority("Issuing", root, { extensions: { more } });
    return {
      leaf: leaf(issuing, leafExtensions, { subject: issuing.name }),
      intermediates: [issuing.der],
      anchors: [root.der],
      ...input,
    };
  };
  add("self-issued::leaf-permitted", "SUCCESS", "A self-issued leaf on the permitted host.", () =>
    selfIssued([nameConstraints([uri("mls.example")])], {}),
  );
  add("self-issued::leaf-outside", "FAILURE", "A self-issued leaf on another host.", () =>
    selfIssued([nameConstraints([uri("other.example")])], {}),
  );
  const policy = "1.3.6.1.4.1.32473.5.1";
  const anyPolicy = { more: [certificatePolicies("2.5.29.32.0")] };
  for (const [id, expected, skip] of [
    ["leaf-any-policy", "SUCCESS", 1],
    ["leaf-any-policy-inhibited", "FAILURE", 0],
  ] as const)
    add(`self-issued::${id}`, expected, `A self-issued leaf asserts anyPolicy, inhibited after ${skip}.`, () =>
      selfIssued([certificatePolicies(policy), inhibitAnyPolicy(skip)], anyPolicy, { requireExplicitPolicy: true }),
    );
}
