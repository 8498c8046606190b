import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ANY_POLICY } from "./oids.js";
import { type PolicyFields, PolicyGraph, type PolicyInputs } from "./policy-graph.js";

interface TestCertificate {
  readonly policies: readonly string[] | undefined;
  readonly mappings: readonly (readonly [string, string])[];
  readonly requireExplicit: number | undefined;
  readonly inhibitMapping: number | undefined;
  readonly inhibitAny: number | undefined;
  readonly selfIssued: boolean;
}

/** What the graph reads of a certificate. */
function asCertificate(test: TestCertificate): PolicyFields {
  const names = { issuer: { key: "a" }, subject: { key: test.selfIssued ? "a" : "b" } };
  const policyMappings = test.mappings.map(([issuerDomain, subjectDomain]) => ({ issuerDomain, subjectDomain }));
  const known = {
    ...(test.policies === undefined ? {} : { certificatePolicies: test.policies }),
    ...(policyMappings.length === 0 ? {} : { policyMappings }),
    ...(test.inhibitAny === undefined ? {} : { inhibitAnyPolicy: test.inhibitAny }),
    policyConstraints: { requireExplicitPolicy: test.requireExplicit, inhibitPolicyMapping: test.inhibitMapping },
  };
  return { ...names, ...known };
}

function byGraph(path: readonly TestCertificate[], inputs: PolicyInputs): string[] | undefined {
  const graph = new PolicyGraph(inputs);
  const problems = path.flatMap((test, index) => {
    const isLeaf = index === path.length - 1;
    const certificate = asCertificate(test);
    return [...graph.process(certificate, isLeaf), ...(isLeaf ? [] : graph.prepare(certificate))];
  });
  const last = path[path.length - 1];
  if (last === undefined) throw new Error("empty path");
  const end = graph.finish(asCertificate(last), inputs.initialPolicies);
  return [...problems, ...end.problems].length > 0 ? undefined : end.policies.toSorted();
}

interface TreeNode {
  readonly policy: string;
  expected: readonly string[];
  readonly parent: TreeNode | undefined;
  readonly depth: number;
  children: TreeNode[];
}

/** The tree of RFC 5280, literally: exponential, and therefore only for small paths. */
function byTree(path: readonly TestCertificate[], inputs: PolicyInputs): string[] | undefined {
  const n = path.length;
  let root: TreeNode | undefined = {
    policy: ANY_POLICY,
    expected: [ANY_POLICY],
    parent: undefined,
    depth: 0,
    children: [],
  };
  let explicit = inputs.requireExplicitPolicy === true ? 0 : n + 1;
  let mapping = inputs.inhibitPolicyMapping === true ? 0 : n + 1;
  let inhibitAny = inputs.inhibitAnyPolicy === true ? 0 : n + 1;
  const nodesAt = (depth: number, node: TreeNode | undefined = root): TreeNode[] =>
    node === undefined ? [] : node.depth === depth ? [node] : node.children.flatMap((child) => nodesAt(depth, child));
  const grow = (parent: TreeNode, policy: string, expected: readonly string[] = [policy]): void => {
    parent.children.push({ policy, expected, parent, depth: parent.depth + 1, children: [] });
  };
  const prune = (depth: number): void => {
    for (let level = depth - 1; level >= 0; level -= 1)
      for (const node of nodesAt(level))
        if (node.children.length === 0) {
          if (node.parent === undefined) root = undefined;
          else node.parent.children = node.parent.children.filter((child) => child !== node);
        }
  };
  for (const [index, test] of path.entries()) {
    const depth = index + 1;
    const isLeaf = depth === n;
    if (test.policies !== undefined && root !== undefined) {
      const above = nodesAt(depth - 1);
      for (const policy of test.policies) {
        if (policy === ANY_POLICY) continue;
        const parents = above.filter(({ expected }) => expected.includes(policy));
        for (const parent of parents.length > 0 ? parents : above.filter((node) => node.policy === ANY_POLICY))
          grow(parent, policy);
      }
      if (test.policies.includes(ANY_POLICY) && (inhibitAny > 0 || (!isLeaf && test.selfIssued)))
        for (const parent of above)
          for (const policy of parent.expected)
            if (!parent.children.some((child) => child.policy === policy)) grow(parent, policy);
      prune(depth);
    }
    if (test.policies === undefined) root = undefined;
    if (explicit === 0 && root === undefined) return undefined;
    if (isLeaf) break;
    for (const policy of new Set(test.mappings.map(([issuer]) => issuer))) {
      const targets = test.mappings.filter(([issuer]) => issuer === policy).map(([, subject]) => subject);
      const mapped = nodesAt(depth).filter((node) => node.policy === policy);
      if (mapping > 0) {
        for (const node of mapped) node.expected = targets;
        const wildcard = mapped.length > 0 ? undefined : nodesAt(depth).find((node) => node.policy === ANY_POLICY);
        if (wildcard?.parent !== undefined) grow(wildcard.parent, policy, targets);
      } else {
        for (const node of mapped)
          if (node.parent !== undefined) node.parent.children = node.parent.children.filter((child) => child !== node);
        prune(depth);
      }
    }
    if (!test.selfIssued)
      [explicit, mapping, inhibitAny] = [explicit, mapping, inhibitAny].map((count) => Math.max(0, count - 1)) as [
        number,
        number,
        number,
      ];
    explicit = Math.min(explicit, test.requireExplicit ?? explicit);
    mapping = Math.min(mapping, test.inhibitMapping ?? mapping);
    inhibitAny = Math.min(inhibitAny, test.inhibitAny ?? inhibitAny);
  }
  explicit = Math.max(0, explicit - 1);
  if (path[n - 1]?.requireExplicit === 0) explicit = 0;
  const user = inputs.initialPolicies ?? [ANY_POLICY];
  const all = (node: TreeNode): TreeNode[] => [node, ...node.children.flatMap(all)];
  const domain = root === undefined ? [] : all(root).filter(({ parent }) => parent?.policy === ANY_POLICY);
  const policies = new Set<string>();
  const lastAny = domain.some(({ policy, depth }) => policy === ANY_POLICY && depth === n);
  for (const { policy } of domain)
    if (policy !== ANY_POLICY && (user.includes(ANY_POLICY) || user.includes(policy))) policies.add(policy);
  if (lastAny) for (const policy of user) policies.add(policy);
  return explicit === 0 && policies.size === 0 ? undefined : [...policies].toSorted();
}

const policy = fc.constantFrom("1.1", "1.2", "1.3");
const count = fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined, freq: 3 });
const certificate: fc.Arbitrary<TestCertificate> = fc.record({
  policies: fc.option(
    fc.uniqueArray(fc.oneof({ weight: 3, arbitrary: policy }, { weight: 1, arbitrary: fc.constant(ANY_POLICY) }), {
      minLength: 1,
    }),
    {
      nil: undefined,
      freq: 12,
    },
  ),
  mappings: fc.uniqueArray(fc.tuple(policy, policy), {
    maxLength: 3,
    selector: ([issuer, subject]) => `${issuer} ${subject}`,
  }),
  requireExplicit: count,
  inhibitMapping: count,
  inhibitAny: count,
  selfIssued: fc.boolean(),
});

describe("RFC 9618, the policy graph", () => {
  it("comes to the result of RFC 5280's tree", () => {
    fc.assert(
      fc.property(
        fc.array(certificate, { minLength: 1, maxLength: 4 }),
        fc.record(
          {
            initialPolicies: fc.uniqueArray(policy, { minLength: 1 }),
            requireExplicitPolicy: fc.boolean(),
            inhibitPolicyMapping: fc.boolean(),
            inhibitAnyPolicy: fc.boolean(),
          },
          { requiredKeys: [] },
        ),
        (path, inputs) => {
          expect(byGraph(path, inputs)).toEqual(byTree(path, inputs));
        },
      ),
      { numRuns: 3000 },
    );
  });
});
