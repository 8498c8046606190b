import {
  authorityKeyIdentifier,
  basicConstraints,
  directory,
  dns,
  email,
  ip,
  name,
  nameConstraints,
  otherName,
  registeredId,
  subjectAltName,
  uri,
  attribute,
  type StringType,
} from "../certificate-builder.js";
import { element, sequence, setOf, utf8 } from "../der-writer.js";
import { type AddCase, authority, type CaseInput, leaf, NAMES, NO_NAME, withLeaf, zeros } from "../world.js";

/** A chain whose issuing CA has these constraints and whose leaf has these names. */
function constrained(
  permitted: readonly Uint8Array[],
  names: readonly Uint8Array[],
  excluded: readonly Uint8Array[] = [],
  subject = NO_NAME,
): CaseInput {
  return withLeaf((issuing) => leaf(issuing, { names: subjectAltName(names) }, { subject }), {
    more: [nameConstraints(permitted, excluded)],
  });
}

export function nameCases(add: AddCase): void {
  add("uri::profile", "SUCCESS", "The usual chain: user and client URI on the permitted host.", () =>
    withLeaf((issuing) => leaf(issuing)),
  );
  const uris: readonly [string, string, string, boolean, string][] = [
    ["host-case-in-constraint", "MLS.Example", "mimi://mls.example/u/a", true, "Hosts compare without case."],
    ["host-case-in-name", "mls.example", "mimi://MLS.EXAMPLE/u/a", true, "Hosts compare without case."],
    ["port", "mls.example", "https://mls.example:8443/u/a", true, "The port is no part of the host."],
    ["userinfo", "mls.example", "ftp://alice@mls.example/u/a", true, "User information is no part of the host."],
    ["query", "mls.example", "https://mls.example?x=evil.example", true, "The authority ends at the query."],
    ["fragment", "mls.example", "https://mls.example#evil.example", true, "The authority ends at the fragment."],
    [
      "domain-constraint",
      ".mls.example",
      "mimi://eu.mls.example/u/a",
      true,
      "A leading period permits hosts below the domain.",
    ],
    [
      "domain-constraint-deep",
      ".mls.example",
      "mimi://a.b.mls.example/u/a",
      true,
      "A leading period permits any number of labels.",
    ],
    ["empty-constraint", "", "mimi://any.example/u/a", true, "The empty constraint permits every URI."],
    ["other-host", "mls.example", "mimi://evil.example/u/a", false, "Another host."],
    [
      "subdomain",
      "mls.example",
      "mimi://eu.mls.example/u/a",
      false,
      "A constraint without leading period names one host, not those below it.",
    ],
    ["suffix", "mls.example", "mimi://evilmls.example/u/a", false, "The host only ends in the same letters."],
    [
      "domain-itself",
      ".mls.example",
      "mimi://mls.example/u/a",
      false,
      "A leading period does not permit the domain itself.",
    ],
    ["domain-suffix", ".mls.example", "mimi://evil-mls.example/u/a", false, "The period is part of the suffix."],
    [
      "userinfo-disguise",
      "mls.example",
      "mimi://mls.example@evil.example/u/a",
      false,
      "What stands before the @ is not the host.",
    ],
    ["backslash", "mls.example", "mimi://evil.example\\@mls.example/u/a", false, "A backslash is no URI character."],
    [
      "no-authority",
      "mls.example",
      "im:alice@mls.example",
      false,
      "A URI without authority cannot be judged and must be refused.",
    ],
    [
      "mailto",
      "mls.example",
      "mailto:alice@mls.example",
      false,
      "A URI without authority cannot be judged and must be refused.",
    ],
    [
      "urn",
      "mls.example",
      "urn:uuid:00000000-0000-4000-8000-000000000000",
      false,
      "A URI without authority cannot be judged and must be refused.",
    ],
    ["ipv4-host", "mls.example", "mimi://192.0.2.1/u/a", false, "An address is no fully qualified domain name."],
    ["ipv6-host", "mls.example", "mimi://[2001:db8::1]/u/a", false, "An address is no fully qualified domain name."],
    ["empty-host", "mls.example", "mimi:///u/a", false, "An authority without host."],
    [
      "trailing-dot",
      "mls.example",
      "mimi://mls.example./u/a",
      false,
      "A trailing dot makes another host name, and no preferred syntax.",
    ],
    [
      "percent-encoded-host",
      "mls.example",
      "mimi://mls%2Eexample/u/a",
      false,
      "Percent-encoding does not spell a host name.",
    ],
    ["relative", "mls.example", "/u/alice", false, "A relative reference is no uniformResourceIdentifier."],
    ["space", "mls.example", "mimi://mls.example/u/a b", false, "A space is no URI character."],
    ["non-ascii", "mls.example", "mimi://mls.example/u/älice", false, "An IA5String holds no octets above 7F."],
    ["double-slash-path", "mls.example", "mimi:/mls.example/u/a", false, "One slash starts a path, not an authority."],
    ["empty", "mls.example", "", false, "The empty string is no URI."],
    ["scheme-only", "mls.example", "mimi:", false, "A URI needs a scheme-specific part."],
    [
      "malformed-constraint-scheme",
      "mimi://mls.example",
      "mimi://mls.example/u/a",
      false,
      "A constraint is a host or domain, not a URI.",
    ],
    [
      "malformed-constraint-wildcard",
      "*.mls.example",
      "mimi://eu.mls.example/u/a",
      false,
      "A constraint has no wildcards.",
    ],
  ];
  for (const [id, constraint, value, ok, description] of uris)
    add(`uri::${id}`, ok ? "SUCCESS" : "FAILURE", description, () => constrained([uri(constraint)], [uri(value)]));
  add("uri::second-name-outside", "FAILURE", "Every name must be permitted, not one of them.", () =>
    constrained([uri("mls.example")], [...NAMES, uri("mimi://evil.example/u/a")]),
  );
  add("uri::excluded-host", "FAILURE", "The host is excluded.", () => constrained([], NAMES, [uri("mls.example")]));
  add("uri::excluded-beats-permitted", "FAILURE", "What is permitted and excluded is excluded.", () =>
    constrained([uri("mls.example")], NAMES, [uri("mls.example")]),
  );
  add("uri::excluded-domain", "FAILURE", "A host below an excluded domain.", () =>
    constrained([], [uri("mimi://a.mls.example/u/a")], [uri(".mls.example")]),
  );
  add("uri::excluded-other-host", "SUCCESS", "Another host is excluded.", () =>
    constrained([], NAMES, [uri("evil.example")]),
  );
  add(
    "uri::excluded-without-authority",
    "FAILURE",
    "A URI that cannot be judged does not slip past an exclusion.",
    () => constrained([], [uri("im:alice@x.example")], [uri("mls.example")]),
  );
  add("uri::no-constraint-without-authority", "SUCCESS", "Without constraints a URI needs no authority.", () => {
    const root = authority("Root");
    return { leaf: leaf(root, { names: subjectAltName([uri("im:alice@mls.example")]) }), anchors: [root.der] };
  });
  add("uri::anchor-constraint", "FAILURE", "Constraints of the trust anchor hold too.", () => {
    const root = authority("Root", undefined, { extensions: { more: [nameConstraints([uri("other.example")])] } });
    return { leaf: leaf(root), anchors: [root.der] };
  });
  add("uri::intersection", "FAILURE", "Two CAs permit different hosts: nothing is permitted by both.", () => {
    const root = authority("Root", undefined, { extensions: { more: [nameConstraints([uri("other.example")])] } });
    const issuing = authority("Issuing", root, { extensions: { more: [nameConstraints([uri("mls.example")])] } });
    return { leaf: leaf(issuing), intermediates: [issuing.der], anchors: [root.der] };
  });
  add("uri::intersection-narrower", "SUCCESS", "A CA permits a domain, the one below a host in it.", () => {
    const root = authority("Root", undefined, { extensions: { more: [nameConstraints([uri(".example")])] } });
    const issuing = authority("Issuing", root, { extensions: { more: [nameConstraints([uri("mls.example")])] } });
    return { leaf: leaf(issuing), intermediates: [issuing.der], anchors: [root.der] };
  });

  const excluded: readonly [string, Uint8Array][] = [
    ["dns", dns("mls.example")],
    ["email", email("alice@mls.example")],
    ["ipv4", ip(192, 0, 2, 1)],
    ["ipv6", ip(...zeros(15), 1)],
    ["directory", directory(name(["CN", "alice"]))],
  ];
  for (const [id, extra] of excluded)
    add(`profile::${id}-name-excluded`, "FAILURE", `The issuing CA excludes all ${id} names.`, () =>
      withLeaf((issuing) => leaf(issuing, { names: subjectAltName([...NAMES, extra]) })),
    );
  add(
    "profile::subject-excluded",
    "FAILURE",
    "The issuing CA excludes all directory names, and the subject is one.",
    () => withLeaf((issuing) => leaf(issuing, {}, { subject: name(["CN", "alice"]) })),
  );
  add(
    "profile::subject-email-without-san",
    "FAILURE",
    "Without a subjectAltName, an e-mail address in the subject falls under the constraint.",
    () => {
      const root = authority("Root", undefined, { extensions: { more: [nameConstraints([email("mls.example")])] } });
      return {
        leaf: leaf(root, { names: null }, { subject: name(["CN", "a"], ["E", "a@evil.example", "ia5"]) }),
        anchors: [root.der],
      };
    },
  );
  add(
    "profile::subject-email-permitted",
    "SUCCESS",
    "An e-mail address in the subject inside the permitted host.",
    () => {
      const root = authority("Root", undefined, { extensions: { more: [nameConstraints([email("mls.example")])] } });
      return {
        leaf: leaf(root, { names: null }, { subject: name(["CN", "a"], ["E", "a@MLS.example", "ia5"]) }),
        anchors: [root.der],
      };
    },
  );

  const others: readonly [string, Uint8Array, Uint8Array, boolean][] = [
    ["dns-below", dns("mls.example"), dns("a.b.mls.example"), true],
    ["dns-suffix", dns("mls.example"), dns("evilmls.example"), false],
    ["dns-wildcard", dns("mls.example"), dns("*.mls.example"), true],
    ["dns-wildcard-wider", dns("a.mls.example"), dns("*.mls.example"), false],
    ["dns-leading-dot-constraint", dns(".mls.example"), dns("a.mls.example"), false],
    ["email-host", email("mls.example"), email("a@mls.example"), true],
    ["email-subdomain-of-host", email("mls.example"), email("a@x.mls.example"), false],
    ["email-domain", email(".mls.example"), email("a@x.mls.example"), true],
    ["email-domain-itself", email(".mls.example"), email("a@mls.example"), false],
    ["email-mailbox", email("a@mls.example"), email("a@MLS.EXAMPLE"), true],
    ["email-mailbox-case", email("a@mls.example"), email("A@mls.example"), false],
    ["ipv4-inside", ip(192, 0, 2, 0, 255, 255, 255, 0), ip(192, 0, 2, 77), true],
    ["ipv4-outside", ip(192, 0, 2, 0, 255, 255, 255, 0), ip(192, 0, 3, 77), false],
    ["ipv4-holey-mask", ip(192, 0, 2, 0, 255, 0, 255, 0), ip(192, 0, 2, 77), false],
    ["ipv6-under-ipv4-constraint", ip(192, 0, 2, 0, 255, 255, 255, 0), ip(...zeros(15), 1), false],
    ["ip-of-five-octets", ip(192, 0, 2, 0, 255, 255, 255, 0), ip(192, 0, 2, 77, 1), false],
    [
      "other-name",
      otherName("1.3.6.1.5.5.7.8.9", element(12)),
      otherName("1.3.6.1.5.5.7.8.9", element(12, utf8("a@b"))),
      false,
    ],
    ["registered-id", registeredId("1.2.3"), registeredId("1.2.3"), false],
  ];
  for (const [id, constraint, presented, ok] of others)
    add(`permitted::${id}`, ok ? "SUCCESS" : "FAILURE", `A permitted subtree against a name of its type (${id}).`, () =>
      constrained([constraint], [presented]),
    );
  directoryCases(add);
}

function directoryCases(add: AddCase): void {
  type Part = readonly [string, string, StringType?];
  const chained: readonly [string, boolean, readonly Part[], readonly Part[], string][] = [
    ["case", true, [["CN", "Issuing CA"]], [["CN", "ISSUING ca"]], "caseIgnoreMatch"],
    ["spaces", true, [["CN", "Issuing CA"]], [["CN", "  Issuing   CA "]], "insignificant spaces"],
    [
      "string-type",
      true,
      [["CN", "Issuing CA", "printable"]],
      [["CN", "Issuing CA"]],
      "PrintableString and UTF8String",
    ],
    ["bmp", true, [["CN", "Issuing Ärzte", "bmp"]], [["CN", "issuing ärzte"]], "BMPString and UTF8String"],
    ["universal", true, [["CN", "Issuing Ω", "universal"]], [["CN", "issuing ω"]], "UniversalString and UTF8String"],
    ["sharp-s", true, [["CN", "Straße"]], [["CN", "STRASSE"]], "full case folding"],
    ["final-sigma", true, [["CN", "ΟΔΟΣ"]], [["CN", "οδος"]], "case folding of sigma"],
    ["composed", true, [["CN", "\u00e9"]], [["CN", "e\u0301"]], "NFKC"],
    ["compatibility", true, [["CN", "\ufb01le"]], [["CN", "file"]], "NFKC of a ligature"],
    ["full-width", true, [["CN", "\uff21\uff22"]], [["CN", "ab"]], "NFKC of full-width letters"],
    ["soft-hyphen", true, [["CN", "Is\u00adsuing"]], [["CN", "issuing"]], "mapped to nothing"],
    ["no-break-space", true, [["CN", "Issuing\u00a0CA"]], [["CN", "Issuing CA"]], "mapped to space"],
    ["other-name", false, [["CN", "Issuing CA"]], [["CN", "Issuing CB"]], "another name"],
    ["homoglyph", false, [["CN", "Issuing CA"]], [["CN", "Issuing C\u0410"]], "a Cyrillic letter"],
    [
      "order",
      false,
      [
        ["O", "x"],
        ["CN", "y"],
      ],
      [
        ["CN", "y"],
        ["O", "x"],
      ],
      "relative names in another order",
    ],
    [
      "extra-rdn",
      false,
      [["CN", "y"]],
      [
        ["O", "x"],
        ["CN", "y"],
      ],
      "one relative name more",
    ],
    ["inner-space", false, [["CN", "Issuing CA"]], [["CN", "IssuingCA"]], "a significant space"],
    ["attribute-type", false, [["CN", "x"]], [["OU", "x"]], "another attribute type"],
    ["escape", false, [["CN", "a,b"]], [["CN", "a\\,b"]], "a backslash of its own"],
    [
      "prohibited",
      false,
      [["CN", "a\ufffdb"]],
      [["CN", "a\ufffdB"]],
      "a prohibited code point matches only the same bytes",
    ],
  ];
  for (const [id, ok, subject, issuer, description] of chained)
    add(
      `chaining::${id}`,
      ok ? "SUCCESS" : "FAILURE",
      `The issuer field against the CA's subject: ${description}.`,
      () => {
        const root = authority("Root", undefined, { subject: name(...subject) });
        return { leaf: leaf({ ...root, name: name(...issuer) }), anchors: [root.der] };
      },
    );
  add(
    "chaining::multi-valued-order",
    "SUCCESS",
    "Attributes within a relative name have no order of their own.",
    () => {
      const subject = sequence(setOf(attribute("CN", "a"), attribute("O", "b")));
      const root = authority("Root", undefined, { subject });
      return {
        leaf: leaf({ ...root, name: sequence(setOf(attribute("CN", "A"), attribute("O", "B"))) }),
        anchors: [root.der],
      };
    },
  );
  const base = name(["O", "MLS Example"]);
  const trees: readonly [string, boolean, Uint8Array[], Uint8Array[], Uint8Array][] = [
    ["inside", true, [base], [], name(["O", "mls  EXAMPLE"], ["CN", "a"])],
    ["outside", false, [base], [], name(["O", "Other"], ["CN", "a"])],
    ["shorter", false, [base], [], name(["CN", "a"])],
    ["excluded-other-case", false, [], [base], name(["O", "MLS EXAMPLE", "printable"], ["CN", "a"])],
    ["excluded-sibling", true, [], [base], name(["O", "Other"])],
    ["prefix-not-string-prefix", false, [base], [], name(["O", "MLS Example Ltd"], ["CN", "a"])],
  ];
  for (const [id, ok, permitted, excluded, subject] of trees)
    add(`directory::${id}`, ok ? "SUCCESS" : "FAILURE", `A subject against a directoryName subtree (${id}).`, () =>
      constrained(permitted.map(directory), NAMES, excluded.map(directory), subject),
    );
  add("directory::self-issued-exempt", "SUCCESS", "A self-issued intermediate is exempt from constraints.", () => {
    const root = authority("Root", undefined, {
      extensions: { more: [nameConstraints([directory(name(["O", "Elsewhere"]))])] },
      subject: name(["O", "MLS Example"]),
    });
    const next = authority("Root next", root, { subject: root.name, extensions: { basic: basicConstraints(true) } });
    return {
      leaf: leaf(next, { aki: authorityKeyIdentifier(next.key) }),
      intermediates: [next.der],
      anchors: [root.der],
    };
  });
}
