/** One value of a policy that a change touches. */
export interface PolicyDifference {
  /** As `members.revoked` or `domains.chat.example.anchors[0]`. */
  readonly path: string;
  /** JSON; undefined where the value is new. */
  readonly before: string | undefined;
  /** JSON; undefined where the value is gone. */
  readonly after: string | undefined;
}

/** Every value in which two JSON documents differ, in the order of the first, then of the second. */
export function policyDifference(before: unknown, after: unknown): readonly PolicyDifference[] {
  const [old, next] = [leaves(before, ""), leaves(after, "")];
  const found: PolicyDifference[] = [];
  for (const path of new Set([...old.keys(), ...next.keys()]))
    if (old.get(path) !== next.get(path)) found.push({ path, before: old.get(path), after: next.get(path) });
  return found;
}

function leaves(value: unknown, path: string, into = new Map<string, string>()): Map<string, string> {
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
  const ofTables = Array.isArray(value) && value.some((item) => typeof item === "object" || typeof item === "string");
  if (isTable && Object.keys(value).length > 0)
    for (const [name, member] of Object.entries(value)) leaves(member, path === "" ? name : `${path}.${name}`, into);
  else if (ofTables) value.forEach((item, index) => leaves(item, `${path}[${index}]`, into));
  else into.set(path, JSON.stringify(value));
  return into;
}
