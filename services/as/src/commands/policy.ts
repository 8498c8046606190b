import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  encodePolicy,
  policyDigest,
  PolicyError,
  readPolicy,
  type ValidationPolicy,
  weakenings,
} from "@mls-as/mls-credentials";
import type { Command } from "commander";
import { fromBase64Url, toBase64Url } from "../binary-text.js";
import { policyDifference } from "../policy/policy-difference.js";
import { callAdmin } from "../remote-operator.js";
import { runningUrl } from "../running-service.js";
import { CommandError, EXIT } from "./failure.js";
import { operatorCommand, type Target } from "./options.js";
import { print } from "./output.js";

interface PolicyFlags extends Target {
  readonly set?: readonly string[];
  readonly accept?: readonly string[];
  readonly yes?: boolean;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export function policyCommand(): Command {
  return operatorCommand(
    "policy",
    "show the signed validation policy; change it, after showing the difference",
    `
      mls-as policy                                              the policy that is in force
      mls-as policy changes.json                                 what these changes would do; nothing is changed
      mls-as policy --set clockSkew=120 --set members.expired.seconds=86400 --yes
      mls-as policy --set transparency='"stapled"' --accept transparency --yes
    `,
  )
    .argument("[changes]", "JSON file with the fields that change")
    .option("--set <path=json>", "one field that changes; may be given several times", collect)
    .option("--accept <weakening>", "a weakening of protection that is meant; may be given several times", collect)
    .option("--yes", "make the change: sign it, log it, serve it")
    .action(runPolicy);
}

interface Published {
  readonly policy: ValidationPolicy;
  readonly payload: Uint8Array;
  readonly digest: string;
}

async function runPolicy(file: string | undefined, flags: PolicyFlags): Promise<void> {
  const url = flags.url ?? (await runningUrl(flags.data));
  if (url === undefined)
    throw new CommandError(`no service runs on ${flags.data}`, {
      code: "service-unreachable",
      exitCode: EXIT.unavailable,
      remedy: "A policy is logged before it is served: start the service, or name it with --url.",
    });
  const current = await readPublished(url);
  if (file === undefined && flags.set === undefined)
    return print(
      JSON.stringify(
        flags.json === true ? { digest: current.digest, policy: current.policy } : current.policy,
        undefined,
        flags.json === true ? undefined : 2,
      ),
    );
  const changes = await readChanges(file, flags.set ?? [], current.policy);
  const next = { ...current.policy, ...changes, sequence: current.policy.sequence + 1, previous: current.digest };
  const difference = policyDifference(current.policy, next);
  const weaker = judge(current.payload, next);
  const missing = weaker.filter((one) => !(flags.accept ?? []).includes(one));
  if (flags.json !== true) {
    for (const { path, before, after } of difference)
      print(
        `${path}\n${before === undefined ? "" : `  - ${before}\n`}${after === undefined ? "" : `  + ${after}`}`.trimEnd(),
      );
    if (weaker.length > 0) print(`\nThis weakens: ${weaker.join(", ")}`);
  } else if (flags.yes !== true) print(JSON.stringify({ difference, weakens: weaker }));
  if (missing.length > 0)
    throw new CommandError(`this weakens ${missing.join(", ")}; nothing was changed`, {
      code: "policy-weakens",
      remedy: `Where that is meant, repeat with ${missing.map((one) => `--accept ${one}`).join(" ")}`,
    });
  if (flags.yes !== true)
    throw new CommandError("nothing was changed", { code: "not-confirmed", remedy: "Repeat the command with --yes." });
  const token = flags.adminTokenFile ?? join(flags.data, "admin-token");
  const done = await callAdmin<{ sequence: number; digest: string; version: number }>(url, token, "POST", "/policy", {
    changes,
    accept: [...(flags.accept ?? [])],
  });
  print(
    flags.json === true
      ? JSON.stringify({ ...done, difference, weakens: weaker })
      : `\nPolicy ${done.sequence} is logged and served. Its digest: ${done.digest}`,
  );
}

async function readPublished(url: string): Promise<Published> {
  const response = await fetch(`${url.replace(/\/+$/, "")}/v1/policy`, { signal: AbortSignal.timeout(30_000) }).catch(
    (cause: unknown) => {
      throw new CommandError(`the service at ${url} does not answer`, {
        code: "service-unreachable",
        exitCode: EXIT.unavailable,
        remedy: "Start it with 'mls-as serve', and check --url.",
        cause,
      });
    },
  );
  if (!response.ok)
    throw new CommandError(`the service answered ${response.status}`, {
      code: "policy-pending",
      exitCode: EXIT.unavailable,
      remedy: "The first policy is served once the log holds it; try again.",
    });
  const payload = fromBase64Url((await response.text()).split(".")[1] ?? "") ?? new Uint8Array();
  return { policy: readPolicy(payload), payload, digest: toBase64Url(policyDigest(payload)) };
}

function judge(current: Uint8Array, next: object): readonly string[] {
  try {
    return weakenings(current, encodePolicy(next as ValidationPolicy));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new CommandError(`${error.path}: ${error.message}`, {
      code: "policy-invalid",
      remedy: "'mls-as policy' shows every field as it is now.",
      cause: error,
    });
  }
}

/** The top-level fields that change, whole. */
async function readChanges(
  file: string | undefined,
  settings: readonly string[],
  current: ValidationPolicy,
): Promise<Readonly<Record<string, unknown>>> {
  let changes: Record<string, unknown> = {};
  if (file !== undefined) {
    const text = await readFile(file, "utf8").catch((cause: unknown) => {
      throw new CommandError(`${file} cannot be read`, { code: "file-unreadable", remedy: "Check its path.", cause });
    });
    changes = asObject(parse(text, file), file);
  }
  for (const text of settings) {
    const at = text.indexOf("=");
    if (at <= 0)
      throw new CommandError(`--set ${text}: this is not path=json`, {
        code: "usage",
        remedy: "Write it as clockSkew=120",
      });
    const [field = "", ...rest] = text.slice(0, at).split(".");
    const value = parse(text.slice(at + 1), `--set ${text}`);
    const before = changes[field] ?? (current as unknown as Record<string, unknown>)[field];
    changes[field] = rest.length === 0 ? value : withMember(before, rest, value, text);
  }
  return changes;
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError(`${what}: this is not JSON`, {
      code: "malformed-json",
      remedy: `Quote texts twice, as --set transparency='"required"'`,
      cause,
    });
  }
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new CommandError(`${what}: this is no object`, {
      code: "malformed-json",
      remedy: 'Write { "field": value }',
    });
  return value as Record<string, unknown>;
}

function withMember(before: unknown, [name = "", ...rest]: readonly string[], value: unknown, what: string): unknown {
  const object = asObject(before ?? {}, what);
  return { ...object, [name]: rest.length === 0 ? value : withMember(object[name], rest, value, what) };
}
