import {
  basicConstraints,
  certificatePolicies,
  extension,
  inhibitAnyPolicy,
  policyConstraints,
  policyMappings,
} from "../certificate-builder.js";
import { element, octetString, oid, sequence, time } from "../der-writer.js";
import { ed25519Key } from "../signing-keys.js";
import { type AddCase, authority, type CaExtensions, type CaseInput, leaf } from "../world.js";

/** A chain of CAs below the root with these extensions, and a leaf. */
function chain(
  cas: readonly CaExtensions[],
  leafMore: readonly Uint8Array[] = [],
  rootExtensions: CaExtensions = {},
): CaseInput {
  const root = authority("Root", undefined, { extensions: rootExtensions });
  let issuer = root;
  const intermediates: Uint8Array[] = [];
  for (const [index, extensions] of cas.entries()) {
    issuer = authority(`CA ${index}`, issuer, { extensions });
    intermediates.push(issuer.der);
  }
  return { leaf: leaf(issuer, { more: leafMore }), intermediates: intermediates.toReversed(), anchors: [root.der] };
}

const length = (pathLength?: number): CaExtensions => ({ basic: basicConstraints(true, pathLength) });

export function pathCases(add: AddCase): void {
  add("path-length::exact", "SUCCESS", "pathLen 1 with one CA below.", () => chain([length(1), length(0)]));
  add("path-length::exceeded", "FAILURE", "pathLen 0 with a CA below.", () => chain([length(0), length()]));
  add("path-length::exceeded-by-grandchild", "FAILURE", "pathLen 1 with two CAs below.", () =>
    chain([length(1), length(), length()]),
  );
  add("path-length::root", "FAILURE", "pathLen 0 of the anchor with a CA below.", () =>
    chain([length()], [], length(0)),
  );
  add("path-length::cannot-widen", "FAILURE", "A CA below cannot raise the limit.", () =>
    chain([length(1), length(5), length(5)]),
  );
  add("path-length::self-issued-free", "SUCCESS", "A self-issued certificate does not count.", () => {
    const root = authority("Root");
    const ca = authority("CA", root, { extensions: length(0) });
    const next = authority("CA next", ca, { subject: ca.name, extensions: length(0) });
    return { leaf: leaf(next), intermediates: [next.der, ca.der], anchors: [root.der] };
  });
  add("depth::within", "SUCCESS", "Two intermediates with a maximum of two.", () => ({
    ...chain([length(), length()]),
    maxDepth: 2,
  }));
  add("depth::beyond", "FAILURE", "Three intermediates with a maximum of two.", () => ({
    ...chain([length(), length(), length()]),
    maxDepth: 2,
  }));
  add("building::long", "SUCCESS", "Twelve intermediates in any order.", () =>
    chain(Array.from({ length: 12 }, () => ({}))),
  );
  add("building::missing-intermediate", "FAILURE", "The issuing CA's certificate is not there.", () => ({
    ...chain([{}, {}]),
    intermediates: [],
  }));
  add("building::anchor-as-intermediate", "FAILURE", "A root among the intermediates is not trusted.", () => {
    const input = chain([{}]);
    return {
      ...input,
      intermediates: [...(input.intermediates ?? []), ...(input.anchors ?? [])],
      anchors: [authority("Other").der],
    };
  });
  add("building::intermediate-as-anchor", "SUCCESS", "A trusted issuing CA needs no root.", () => {
    const { issuing, root } = twoTier();
    return { leaf: leaf(issuing), intermediates: [root.der], anchors: [issuing.der] };
  });
  add("building::no-anchors", "FAILURE", "Without anchors nothing is trusted.", () => ({
    ...chain([{}]),
    anchors: [],
  }));
  add("building::expired-twin", "SUCCESS", "Of two certificates of the issuing CA one has expired.", () => {
    const { root, issuing } = twoTier();
    const expired = authority("Issuing", root, { notAfter: time("2026-02-01T00:00:00Z") });
    return { leaf: leaf(issuing), intermediates: [expired.der, issuing.der], anchors: [root.der] };
  });
  add("building::cross-certificate", "SUCCESS", "Only the cross certificate leads to the anchor.", () => {
    const [oldRoot, newRoot] = [authority("Old root"), authority("New root")];
    const cross = authority("New root", oldRoot);
    const issuing = authority("Issuing", newRoot);
    return { leaf: leaf(issuing), intermediates: [newRoot.der, cross.der, issuing.der], anchors: [oldRoot.der] };
  });
  add("building::constrained-twin", "SUCCESS", "One path breaks a path length, the other does not.", () => {
    const [short, free] = [authority("Short", undefined, { extensions: length(0) }), authority("Free")];
    const viaShort = authority("Middle", short);
    const viaFree = authority("Middle", free);
    const issuing = authority("Issuing", viaFree);
    return {
      leaf: leaf(issuing),
      intermediates: [viaShort.der, viaFree.der, issuing.der],
      anchors: [short.der, free.der],
    };
  });
  add("building::loop", "FAILURE", "Two CAs certify each other, neither an anchor.", () => {
    const [a, b] = [authority("A"), authority("B")];
    return {
      leaf: leaf(a),
      intermediates: [authority("A", b).der, authority("B", a).der],
      anchors: [authority("Root").der],
    };
  });
  add("building::loop-with-exit", "SUCCESS", "Three CAs certify each other, one is certified by the anchor.", () => {
    const root = authority("Root");
    const [a, b, c] = [authority("A"), authority("B"), authority("C")];
    const mesh = [
      authority("A", b),
      authority("A", c),
      authority("B", a),
      authority("B", c),
      authority("C", a),
      authority("C", b),
      authority("C", root),
    ];
    return { leaf: leaf(a), intermediates: mesh.map(({ der }) => der), anchors: [root.der] };
  });
  add(
    "building::mesh-of-ten",
    "FAILURE",
    "Ten CAs certify each other under the anchor's name, none by its key: work is bounded.",
    () => {
      const cas = Array.from({ length: 10 }, (_, index) => authority(`Mesh ${index}`));
      const mesh = cas.flatMap((subject, index) =>
        cas.flatMap((issuer, other) =>
          index === other ? [] : [authority(`Mesh ${index}`, issuer, { key: subject.key }).der],
        ),
      );
      const forged = authority("Root", undefined, { key: ed25519Key("Mallory") });
      const entry = cas.map((_, index) => authority(`Mesh ${index}`, forged).der);
      return { leaf: leaf(cas[0] ?? forged), intermediates: [...mesh, ...entry], anchors: [authority("Root").der] };
    },
  );
  add("building::same-name-keys", "SUCCESS", "Thirty certificates of the issuing CA's name with other keys.", () => {
    const { root, issuing } = twoTier();
    const others = Array.from(
      { length: 30 },
      (_, index) => authority("Issuing", root, { key: ed25519Key(`other ${index}`) }).der,
    );
    return { leaf: leaf(issuing), intermediates: [...others, issuing.der], anchors: [root.der] };
  });
  add(
    "building::long-same-name",
    "SUCCESS",
    "Forty self-issued certificates of one CA, each for a new key signed with the one before.",
    () => {
      const root = authority("Root");
      let issuer = authority("Issuing", root);
      const intermediates = [issuer.der];
      for (let index = 0; index < 40; index += 1) {
        issuer = authority("Issuing", issuer, { key: ed25519Key(`rollover ${index}`) });
        intermediates.push(issuer.der);
      }
      return { leaf: leaf(issuer), intermediates, anchors: [root.der] };
    },
  );
  add("building::key-id-hint-wrong", "SUCCESS", "A key identifier that does not match is a hint, not a rule.", () => {
    const root = authority("Root", undefined, {
      extensions: { ski: extension("2.5.29.14", false, octetString(octetString(new Uint8Array(20)).subarray(2))) },
    });
    return { leaf: leaf(authority("Root")), anchors: [root.der] };
  });
  policyCases(add);
}

function twoTier() {
  const root = authority("Root");
  return { root, issuing: authority("Issuing", root) };
}

const [ANY, P1, P2, P3] = ["2.5.29.32.0", "1.3.6.1.4.1.32473.5.1", "1.3.6.1.4.1.32473.5.2", "1.3.6.1.4.1.32473.5.3"];

function policyCases(add: AddCase): void {
  const with_ = (...more: Uint8Array[]): CaExtensions => ({ more });
  const policies = (...list: string[]): Uint8Array => certificatePolicies(...list);
  const cases: readonly [string, "SUCCESS" | "FAILURE", string, () => CaseInput][] = [
    ["none-needed", "SUCCESS", "No policy is asserted and none is required.", () => chain([{}])],
    [
      "required-none",
      "FAILURE",
      "A policy is required and none is asserted.",
      () => ({ ...chain([{}]), requireExplicitPolicy: true }),
    ],
    [
      "required-same",
      "SUCCESS",
      "The same policy all the way.",
      () => ({ ...chain([with_(policies(P1))], [policies(P1)]), requireExplicitPolicy: true }),
    ],
    [
      "required-differs",
      "FAILURE",
      "The leaf asserts another policy than the CA.",
      () => ({ ...chain([with_(policies(P1))], [policies(P2)]), requireExplicitPolicy: true }),
    ],
    [
      "differs-not-required",
      "SUCCESS",
      "No common policy, and none is required.",
      () => chain([with_(policies(P1))], [policies(P2)]),
    ],
    [
      "initial-match",
      "SUCCESS",
      "The policy is an acceptable one.",
      () => ({
        ...chain([with_(policies(P1, P2))], [policies(P1)]),
        initialPolicies: [P1],
        requireExplicitPolicy: true,
      }),
    ],
    [
      "initial-mismatch",
      "FAILURE",
      "The policy is not an acceptable one.",
      () => ({ ...chain([with_(policies(P1))], [policies(P1)]), initialPolicies: [P2], requireExplicitPolicy: true }),
    ],
    [
      "initial-mismatch-not-required",
      "SUCCESS",
      "Not acceptable, but none is required.",
      () => ({ ...chain([with_(policies(P1))], [policies(P1)]), initialPolicies: [P2] }),
    ],
    [
      "any-in-ca",
      "SUCCESS",
      "anyPolicy in the CA, a policy in the leaf.",
      () => ({ ...chain([with_(policies(ANY))], [policies(P1)]), initialPolicies: [P1], requireExplicitPolicy: true }),
    ],
    [
      "any-in-leaf",
      "SUCCESS",
      "anyPolicy in the leaf.",
      () => ({ ...chain([with_(policies(P1))], [policies(ANY)]), initialPolicies: [P1], requireExplicitPolicy: true }),
    ],
    [
      "any-inhibited",
      "FAILURE",
      "anyPolicy in the CA, inhibited from the start.",
      () => ({ ...chain([with_(policies(ANY))], [policies(P1)]), inhibitAnyPolicy: true, requireExplicitPolicy: true }),
    ],
    [
      "any-inhibited-by-ca",
      "FAILURE",
      "A CA above inhibits anyPolicy at once.",
      () => ({
        ...chain([with_(policies(ANY), inhibitAnyPolicy(0)), with_(policies(ANY))], [policies(P1)]),
        requireExplicitPolicy: true,
      }),
    ],
    [
      "any-inhibited-later",
      "SUCCESS",
      "A CA above inhibits anyPolicy after one certificate.",
      () => ({
        ...chain([with_(policies(ANY), inhibitAnyPolicy(1)), with_(policies(ANY))], [policies(P1)]),
        requireExplicitPolicy: true,
      }),
    ],
    [
      "explicit-by-ca",
      "FAILURE",
      "A CA requires a policy at once.",
      () => chain([with_(policies(P1), policyConstraints(0))], [policies(P2)]),
    ],
    [
      "explicit-by-ca-met",
      "SUCCESS",
      "A CA requires a policy, and there is one.",
      () => chain([with_(policies(P1), policyConstraints(0))], [policies(P1)]),
    ],
    [
      "explicit-later",
      "SUCCESS",
      "A CA requires a policy from a depth that is not reached.",
      () => chain([with_(policyConstraints(5))]),
    ],
    ["explicit-by-leaf", "FAILURE", "The leaf itself requires a policy.", () => chain([{}], [policyConstraints(0)])],
    [
      "mapping",
      "SUCCESS",
      "The CA maps P1 to P2.",
      () => ({
        ...chain([with_(policies(P1), policyMappings([P1, P2]))], [policies(P2)]),
        initialPolicies: [P1],
        requireExplicitPolicy: true,
      }),
    ],
    [
      "mapping-subject-not-acceptable",
      "FAILURE",
      "Acceptable policies are in the anchor's terms.",
      () => ({
        ...chain([with_(policies(P1), policyMappings([P1, P2]))], [policies(P2)]),
        initialPolicies: [P2],
        requireExplicitPolicy: true,
      }),
    ],
    [
      "mapping-leaf-unmapped",
      "FAILURE",
      "A mapped policy no longer stands for itself.",
      () => ({
        ...chain([with_(policies(P1), policyMappings([P1, P2]))], [policies(P1)]),
        requireExplicitPolicy: true,
      }),
    ],
    [
      "mapping-not-asserted",
      "FAILURE",
      "A policy that the CA does not assert cannot be mapped.",
      () => ({
        ...chain([with_(policies(P1), policyMappings([P3, P2]))], [policies(P2)]),
        requireExplicitPolicy: true,
      }),
    ],
    [
      "mapping-any-asserted",
      "SUCCESS",
      "Under anyPolicy any policy can be mapped.",
      () => ({
        ...chain([with_(policies(ANY), policyMappings([P3, P2]))], [policies(P2)]),
        initialPolicies: [P3],
        requireExplicitPolicy: true,
      }),
    ],
    [
      "mapping-twice",
      "SUCCESS",
      "P1 to P2 to P3.",
      () => ({
        ...chain(
          [with_(policies(P1), policyMappings([P1, P2])), with_(policies(P2), policyMappings([P2, P3]))],
          [policies(P3)],
        ),
        initialPolicies: [P1],
        requireExplicitPolicy: true,
      }),
    ],
    [
      "mapping-inhibited",
      "FAILURE",
      "Mapping is inhibited from the start.",
      () => ({
        ...chain([with_(policies(P1), policyMappings([P1, P2]))], [policies(P2)]),
        inhibitPolicyMapping: true,
        requireExplicitPolicy: true,
      }),
    ],
    [
      "mapping-inhibited-by-ca",
      "FAILURE",
      "A CA above inhibits mapping at once.",
      () => ({
        ...chain(
          [with_(policies(P1), policyConstraints(undefined, 0)), with_(policies(P1), policyMappings([P1, P2]))],
          [policies(P2)],
        ),
        requireExplicitPolicy: true,
      }),
    ],
    [
      "mapping-from-any",
      "FAILURE",
      "anyPolicy cannot be mapped.",
      () => chain([with_(policies(P1), policyMappings([ANY, P2]))], [policies(P2)]),
    ],
    [
      "mapping-to-any",
      "FAILURE",
      "Nothing can be mapped to anyPolicy.",
      () => chain([with_(policies(P1), policyMappings([P1, ANY]))], [policies(P2)]),
    ],
    [
      "mapping-empty",
      "FAILURE",
      "policyMappings holds at least one pair.",
      () => chain([with_(policies(P1), policyMappings())], [policies(P1)]),
    ],
    [
      "policy-twice",
      "FAILURE",
      "A policy stands once in an extension.",
      () => chain([with_(policies(P1, P1))], [policies(P1)]),
    ],
    ["policies-empty", "FAILURE", "certificatePolicies holds at least one policy.", () => chain([{}], [policies()])],
    [
      "gap",
      "FAILURE",
      "A CA without policies between two with.",
      () => ({ ...chain([with_(policies(P1)), {}], [policies(P1)]), requireExplicitPolicy: true }),
    ],
  ];
  for (const [id, expected, description, build] of cases) add(`policy::${id}`, expected, description, build);
  const qualified = (policy: string, qualifier: string, critical: boolean): Uint8Array =>
    extension(
      "2.5.29.32",
      critical,
      sequence(sequence(oid(policy), sequence(sequence(oid(qualifier), element(0x16))))),
    );
  add("policy::qualifier-cps-critical", "SUCCESS", "A critical extension with a qualifier of RFC 5280.", () =>
    chain([{}], [qualified(P1, "1.3.6.1.5.5.7.2.1", true)]),
  );
  add("policy::qualifier-unknown", "SUCCESS", "An unknown qualifier in an extension that is not critical.", () =>
    chain([{}], [qualified(P1, "1.3.6.1.4.1.32473.7", false)]),
  );
  add("policy::qualifier-unknown-critical", "FAILURE", "An unknown qualifier in a critical extension.", () =>
    chain([{}], [qualified(P1, "1.3.6.1.4.1.32473.7", true)]),
  );
  add("policy::qualifier-unknown-any", "FAILURE", "anyPolicy has no other qualifiers than those of RFC 5280.", () =>
    chain([{}], [qualified(ANY, "1.3.6.1.4.1.32473.7", false)]),
  );
  add(
    "policy::blow-up",
    "SUCCESS",
    "Thirty policies each mapped to thirty, over three CAs: a tree would have 27,000 branches a policy.",
    () => {
      const all = Array.from({ length: 30 }, (_, index) => `1.3.6.1.4.1.32473.6.${index}`);
      const pairs = all.flatMap((issuer) => all.map((subject): readonly [string, string] => [issuer, subject]));
      const ca = with_(policies(...all), policyMappings(...pairs));
      return { ...chain([ca, ca, ca], [policies(all[0] ?? "")]), requireExplicitPolicy: true };
    },
  );
}
