import {
  type Authority,
  certificatePolicies,
  inhibitAnyPolicy,
  policyConstraints,
  policyMappings,
} from "../certificate-builder.js";
import { ed25519Key } from "../signing-keys.js";
import { type AddCase, authority, type CaseInput, leaf } from "../world.js";

const [ANY, P1, P2] = ["2.5.29.32.0", "1.3.6.1.4.1.32473.5.1", "1.3.6.1.4.1.32473.5.2"];

/** Extensions of one CA below the one before it; `again`: a new key of the same CA, certified by its old one. */
interface Step {
  readonly more?: readonly Uint8Array[];
  readonly again?: boolean;
}

function chain(steps: readonly Step[], leafMore: readonly Uint8Array[], inputs: Partial<CaseInput> = {}): CaseInput {
  const root = authority("Root");
  const path: Authority[] = [root];
  for (const [index, { more = [], again = false }] of steps.entries()) {
    const above = path.at(-1) as Authority;
    const label = again ? undefined : `CA ${index}`;
    path.push(
      label === undefined
        ? authority("rolled over", above, {
            subject: above.name,
            key: ed25519Key(`rolled over ${index}`),
            extensions: { more },
          })
        : authority(label, above, { extensions: { more } }),
    );
  }
  const issuer = path.at(-1) as Authority;
  return {
    leaf: leaf(issuer, { more: leafMore }),
    intermediates: path
      .slice(1)
      .map(({ der }) => der)
      .toReversed(),
    anchors: [root.der],
    ...inputs,
  };
}

/** Self-issued certificates of a CA's key rollover do not count where certificates are counted (RFC 5280, "Preparation"). */
export function rolloverCases(add: AddCase): void {
  const p1 = certificatePolicies(P1 as string);
  const p2 = certificatePolicies(P2 as string);
  const any = certificatePolicies(ANY as string);
  const map = policyMappings([P1 as string, P2 as string]);
  const explicit = { requireExplicitPolicy: true };
  for (const [again, outcome, who] of [
    [true, "SUCCESS", "a new key of the same CA"],
    [false, "FAILURE", "another CA"],
  ] as const) {
    const kind = again ? "self-issued" : "another";
    add(`rollover::explicit-${kind}`, outcome, `A policy is required after two certificates; ${who} is between.`, () =>
      chain([{ more: [policyConstraints(2)] }, { again }], []),
    );
    add(`rollover::mapping-${kind}`, outcome, `Mapping is inhibited after one certificate; ${who} is between.`, () =>
      chain(
        [{ more: [p1, policyConstraints(undefined, 1)] }, { again, more: [p1] }, { more: [p1, map] }],
        [p2],
        explicit,
      ),
    );
    add(`rollover::any-${kind}`, outcome, `anyPolicy is inhibited after one certificate; ${who} is between.`, () =>
      chain([{ more: [p1, inhibitAnyPolicy(1)] }, { again, more: [p1] }, { more: [any] }], [p1], explicit),
    );
    add(`rollover::any-asserted-${kind}`, outcome, `anyPolicy is inhibited at once; ${who} asserts it.`, () =>
      chain([{ more: [p1, inhibitAnyPolicy(0)] }, { again, more: [any] }], [p1], explicit),
    );
  }
  add(
    "rollover::explicit-reached",
    "FAILURE",
    "Two other CAs exhaust the certificates before a policy is required.",
    () => chain([{ more: [policyConstraints(2)] }, {}, {}], []),
  );
  add("rollover::explicit-not-reached", "SUCCESS", "A policy is required after more certificates than there are.", () =>
    chain([{ more: [policyConstraints(4)] }, {}, {}], []),
  );
}
