import { noteError, parseVerifierKey, type VerifierKey } from "./signed-note.js";

interface Group {
  readonly threshold: number;
  readonly members: readonly string[];
}

/** Which logs are accepted, and which witnesses must have cosigned. C2SP tlog-policy. */
export interface TlogPolicy {
  readonly logs: readonly VerifierKey[];
  readonly witnesses: ReadonlyMap<string, VerifierKey>;
  /** Submission prefixes of the witnesses that have one, without a slash at the end. */
  readonly urls: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, Group>;
  /** Name of a witness or group; undefined for `quorum none`. */
  readonly quorum: string | undefined;
}

/** Parses a policy file. @throws KeytransError unwitnessed-head */
export function parseTlogPolicy(file: string): TlogPolicy {
  const logs: VerifierKey[] = [];
  const witnesses = new Map<string, VerifierKey>();
  const urls = new Map<string, string>();
  const groups = new Map<string, Group>();
  const quorums: string[] = [];
  const known = (name: string): boolean => witnesses.has(name) || groups.has(name);
  const seen = new Set<string>();
  const listed = new Set<string>();
  const unique = (key: VerifierKey, kind: string): VerifierKey => {
    const id = `${kind} ${key.publicKey.join()}`;
    if (seen.has(id)) throw noteError("a key is listed twice", "policy");
    seen.add(id);
    return key;
  };
  for (const line of file.split("\n")) {
    const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== "");
    if (keyword === undefined || keyword.startsWith("#")) continue;
    const [first, second] = items;
    if (keyword === "log" && first !== undefined && items.length <= 2)
      logs.push(unique(parseVerifierKey(first), "log"));
    else if (keyword === "witness" && first !== undefined && second !== undefined && items.length <= 3) {
      if (known(first) || first === "none") throw noteError(`the name ${first} is taken`, "policy");
      witnesses.set(first, unique(parseVerifierKey(second), "witness"));
      if (items[2] !== undefined) urls.set(first, items[2].replace(/\/+$/, ""));
    } else if (keyword === "group" && first !== undefined && second !== undefined && items.length > 2) {
      if (known(first) || first === "none") throw noteError(`the name ${first} is taken`, "policy");
      groups.set(first, parseGroup(second, items.slice(2), known, listed));
    } else if (keyword === "quorum" && first !== undefined && items.length === 1) {
      if (first !== "none" && !known(first)) throw noteError(`the quorum ${first} is not defined`, "policy");
      quorums.push(first);
    } else throw noteError(`not a policy line: ${line}`, "policy");
  }
  const [quorum, ...others] = quorums;
  if (quorum === undefined || others.length > 0) throw noteError("exactly one quorum is due", "policy");
  return { logs, witnesses, urls, groups, quorum: quorum === "none" ? undefined : quorum };
}

/** `listed` holds the members of all groups so far: a witness contributes in one way only. */
function parseGroup(
  rule: string,
  members: readonly string[],
  known: (name: string) => boolean,
  listed: Set<string>,
): Group {
  for (const member of members) {
    if (!known(member)) throw noteError(`the group member ${member} is not defined before`, "policy");
    if (listed.has(member)) throw noteError(`${member} is a group member twice`, "policy");
    listed.add(member);
  }
  const threshold =
    rule === "all" ? members.length : rule === "any" ? 1 : /^[1-9][0-9]*$/.test(rule) ? Number(rule) : 0;
  if (threshold < 1 || threshold > members.length) throw noteError(`not a threshold: ${rule}`, "policy");
  return { threshold, members };
}

/** Whether the witnesses that `cosigned` names make up the quorum. */
export function meetsQuorum(policy: TlogPolicy, cosigned: ReadonlySet<string>): boolean {
  const met = (name: string): boolean => {
    const group = policy.groups.get(name);
    return group === undefined ? cosigned.has(name) : group.members.filter(met).length >= group.threshold;
  };
  return policy.quorum === undefined || met(policy.quorum);
}
