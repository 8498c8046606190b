import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { localOperator } from "../local-operator.js";
import type { Operator } from "../operator.js";
import { remoteOperator } from "../remote-operator.js";

/** Where a command works: on a data folder, or at a running service. */
export interface Target {
  readonly data: string;
  readonly url?: string;
  readonly adminTokenFile?: string;
  readonly json?: boolean;
}

export const dataOption = (): Option =>
  new Option("--data <folder>", "the service's data folder").default("./data/as").env("MLS_AS_DATA");
export const jsonOption = (): Option => new Option("--json", "print JSON for programs");

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Seconds, from `90`, `15m`, `24h`, `30d`. */
export function duration(text: string): number {
  const [, digits, unit = "s"] = /^(\d{1,9})([smhdw])?$/.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError("It must be a time span as 90, 15m, 24h or 30d.");
  return Number(digits) * (UNITS[unit] ?? 1);
}

/** Seconds since 1970, from an ISO 8601 date or time; without a zone it is UTC. */
export function moment(text: string): number {
  const shape = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:\d{2})?)?$/;
  const zoned = /T.*(Z|[+-]\d{2}:\d{2})$/.test(text.replace(" ", "T"));
  const milliseconds = shape.test(text)
    ? Date.parse(text.length > 10 && !zoned ? `${text.replace(" ", "T")}Z` : text.replace(" ", "T"))
    : Number.NaN;
  if (Number.isNaN(milliseconds))
    throw new InvalidArgumentError("It must be a time as 2026-11-23 or 2026-11-23T08:30Z.");
  return Math.floor(milliseconds / 1000);
}

/** A command with the options of all that work on a folder or at a service, and examples in its help. */
export function operatorCommand(name: string, summary: string, examples: string): Command {
  return new Command(name)
    .description(summary)
    .addOption(dataOption())
    .option("--url <url>", "talk to a running service instead of working on the data folder")
    .option("--admin-token-file <file>", "its admin token (default: admin-token in the data folder)")
    .addOption(jsonOption())
    .addHelpText("after", examplesText(examples));
}

export function examplesText(examples: string): string {
  const lines = examples.trim().split("\n");
  return `\nExamples:\n${lines.map((line) => `  ${line.trim()}`).join("\n")}`;
}

/** Runs `work` with the operator that a target means, and closes it. */
export async function withOperator<T>(target: Target, work: (operator: Operator) => Promise<T>): Promise<T> {
  const operator =
    target.url === undefined
      ? await localOperator(target.data)
      : await remoteOperator(target.url, target.adminTokenFile ?? join(target.data, "admin-token"));
  try {
    return await work(operator);
  } finally {
    await operator.close();
  }
}
