import { parseUserUri } from "./identity-uri.js";

/** Why two identities may be taken for one another by people. Display a warning; never decide by it. */
export type LookAlike =
  /** The same name at another domain. */
  | "same-name-elsewhere"
  /** Names that look the same: `a1ice` and `alice`, `m` and `rn`, or with a dot more or less. */
  | "similar-name"
  /** Domains that look the same. */
  | "similar-domain"
  /** A domain in another script, which can look like anything. */
  | "internationalised-domain";

/** Characters and pairs that are hard to tell apart, by what they are taken for. */
const CONFUSABLE: readonly (readonly [RegExp, string])[] = [
  [/rn/g, "m"],
  [/vv/g, "w"],
  [/cl/g, "d"],
  [/[1il|]/g, "l"],
  [/0/g, "o"],
  [/5/g, "s"],
  [/8/g, "b"],
  [/2/g, "z"],
  [/[._~-]/g, ""],
];

const skeleton = (text: string): string =>
  CONFUSABLE.reduce((folded, [shape, taken]) => folded.replace(shape, taken), text);

/**
 * What makes `user` look like `known`, another user; empty where nothing does. Both are user URIs.
 *
 * @throws IdentityError
 */
export function lookAlikes(user: string, known: string): LookAlike[] {
  const [a, b] = [parseUserUri(user), parseUserUri(known)];
  if (a.uri === b.uri) return [];
  const sameDomain = a.domain === b.domain;
  const similarDomain = !sameDomain && skeleton(a.domain) === skeleton(b.domain);
  const similarName = skeleton(a.user) === skeleton(b.user);
  if (!similarName) return [];
  const found: LookAlike[] = [];
  if (a.user !== b.user) found.push("similar-name");
  else if (!sameDomain) found.push("same-name-elsewhere");
  if (similarDomain) found.push("similar-domain");
  const foreign = (domain: string): boolean => domain.split(".").some((label) => label.startsWith("xn--"));
  if (!sameDomain && (foreign(a.domain) || foreign(b.domain))) found.push("internationalised-domain");
  return found;
}
