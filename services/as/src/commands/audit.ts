import type { Command } from "commander";
import { firstBrokenEntry, NO_PREVIOUS_ENTRY } from "../audit.js";
import type { Operator } from "../operator.js";
import type { AuditEntry } from "../storage/store.js";
import { CommandError, EXIT } from "./failure.js";
import { moment, operatorCommand, type Target, withOperator } from "./options.js";
import { date, print, table } from "./output.js";

/** What is looked for in the audit log. Times in seconds since 1970: from `since` on, before `until`. */
export interface AuditSearch {
  readonly identity?: string;
  readonly serial?: string;
  readonly since?: number;
  readonly until?: number;
}

export function auditCommand(): Command {
  return operatorCommand(
    "audit",
    "show the audit log, or verify its chain",
    `
      mls-as audit --identity mimi://mls.example/u/alice
      mls-as audit --serial 0123456789abcdef0123456789abcdef --since 2026-11-01
      mls-as audit --since 2026-11-23T08:00Z --json    one JSON line an entry
      mls-as audit verify                              exit code 1 when the chain is broken
    `,
  )
    .argument("[action]", "verify")
    .option("--identity <uri>", "only what is about this user")
    .option("--serial <hex>", "only what is about the credential with this serial number")
    .option("--since <time>", "only from this time on", moment)
    .option("--until <time>", "only before this time", moment)
    .action(async (action: string | undefined, options: Target & AuditSearch) => {
      if (action !== undefined && action !== "verify")
        throw new CommandError(`there is no action ${action}`, {
          code: "usage",
          remedy: "The only one is: mls-as audit verify",
        });
      await withOperator(options, (operator) =>
        action === "verify" ? verify(operator, options) : show(operator, options),
      );
    });
}

async function show(operator: Operator, options: Target & AuditSearch): Promise<void> {
  const entries = await searchAudit(operator, options);
  if (options.json === true) {
    for (const entry of entries) print(JSON.stringify(entry));
    return;
  }
  const rows = entries.map((entry) => [
    String(entry.sequence),
    date(entry.time),
    entry.actor,
    entry.action,
    entry.subject ?? "",
    Object.entries(entry.detail ?? {})
      .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(",") : String(value)}`)
      .join(" "),
  ]);
  print(entries.length === 0 ? "There is none." : table([["NUMBER", "TIME", "WHO", "WHAT", "ABOUT", "WHY"], ...rows]));
}

async function verify(operator: Operator, { json }: Target): Promise<void> {
  let previous = NO_PREVIOUS_ENTRY;
  let after = 0;
  let broken: number | undefined;
  for (;;) {
    const page = await operator.audit(after, undefined);
    const last = page.at(-1);
    if (last === undefined) break;
    broken = firstBrokenEntry(page, previous, after);
    if (broken !== undefined) break;
    previous = last.hash;
    after = last.sequence;
  }
  if (json === true) print(JSON.stringify({ entries: after, broken: broken ?? null, head: previous }));
  else if (broken === undefined) print(`${after} entries, unbroken. Head: ${previous}`);
  else print(`The chain is broken at entry ${broken}. Keep the database as it is, and compare it with a backup.`);
  if (broken !== undefined) process.exitCode = EXIT.failed;
}

/** Entries that a search finds, in order. */
export async function searchAudit(operator: Operator, search: AuditSearch): Promise<readonly AuditEntry[]> {
  const { identity, serial, since = 0, until = Number.POSITIVE_INFINITY } = search;
  const [credential] = serial === undefined ? [] : await operator.list({ serial });
  if (serial !== undefined && credential === undefined)
    throw new CommandError(`there is no credential with the serial number ${serial}`, {
      code: "credential-unknown",
      remedy: "It has 32 lower-case hex digits; 'mls-as list --json' shows them.",
    });
  const found: AuditEntry[] = [];
  const intents = new Set<string>();
  for (let after = 0; ; ) {
    const page = await operator.audit(after, identity ?? credential?.user);
    for (const entry of page) {
      const timely = entry.time >= since && entry.time < until;
      if (timely && (credential === undefined || concerns(entry, credential, intents))) found.push(entry);
    }
    const last = page.at(-1);
    if (last === undefined) return found;
    after = last.sequence;
  }
}

/** Whether an entry names the credential, or the change that made it. */
function concerns(
  { detail = {} }: AuditEntry,
  { id, serial }: { readonly id: string; readonly serial: string },
  intents: Set<string>,
): boolean {
  const values = Object.values(detail).flat();
  if (values.includes(id) || values.includes(serial)) {
    if (typeof detail["intent"] === "string") intents.add(detail["intent"]);
    return true;
  }
  return typeof detail["intent"] === "string" && intents.has(detail["intent"]);
}

export function exportCommand(): Command {
  return operatorCommand(
    "export",
    "write the audit log or all credentials as JSON lines",
    `
      mls-as export audit > audit.jsonl
      mls-as export audit --since 2026-11-01 --until 2026-12-01 > november.jsonl
      mls-as export credentials > credentials.jsonl
    `,
  )
    .argument("[what]", "audit or credentials", "audit")
    .option("--identity <uri>", "only what is about this user")
    .option("--since <time>", "audit: only from this time on", moment)
    .option("--until <time>", "audit: only before this time", moment)
    .action(async (what: string, options: Target & AuditSearch) => {
      if (what !== "audit" && what !== "credentials")
        throw new CommandError(`there is no export of ${what}`, {
          code: "usage",
          remedy: "Choose audit or credentials.",
        });
      await withOperator(options, async (operator) => {
        const { identity } = options;
        const rows =
          what === "audit"
            ? await searchAudit(operator, options)
            : await operator.list(identity === undefined ? {} : { user: identity });
        for (const row of rows) print(JSON.stringify(row));
      });
    });
}
