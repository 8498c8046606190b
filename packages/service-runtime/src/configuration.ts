import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { ConfigurationError, type ConfigurationFault } from "./configuration-error.js";
import {
  type ConfigurationOf,
  type ConfigurationSpec,
  fileName,
  isSetting,
  type NamedSetting,
  settingsOf,
} from "./configuration-spec.js";

export interface ConfigurationSource<Spec extends ConfigurationSpec> {
  /** Goes before the names of environment variables, as `MLS_AS_`. */
  readonly prefix: string;
  readonly spec: Spec;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A TOML file; absent: none is read. */
  readonly file?: string | undefined;
  /** What flags of a command say; by field, as `oidc.issuer`. Undefined counts as not given. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

export interface ReadConfiguration<Spec extends ConfigurationSpec> {
  readonly values: ConfigurationOf<Spec>;
  /** Variables that begin like ours and are none: typing errors, to be warned of. */
  readonly unknownVariables: readonly string[];
}

interface Given {
  readonly value: unknown;
  readonly from: string;
}

/**
 * Reads all settings: flags over environment over file over defaults; each checked by its schema.
 * @throws ConfigurationError with everything that is wrong, by field
 */
export function readConfiguration<const Spec extends ConfigurationSpec>(
  source: ConfigurationSource<Spec>,
): ReadConfiguration<Spec> {
  const { prefix, spec, environment, file } = source;
  const settings = settingsOf(spec, prefix);
  const faults: ConfigurationFault[] = [];
  const table = file === undefined ? {} : readTable(file);
  if (file !== undefined) faults.push(...strangers(table, spec, file, []));
  const values: Record<string, unknown> = {};
  for (const named of settings) {
    const given = givenTo(named, source, table);
    const result = check(named, given);
    if ("fault" in result) faults.push(result.fault);
    else put(values, named.path, result.value);
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  const known = new Set(settings.map(({ variable }) => variable));
  const unknownVariables = Object.keys(environment).filter((name) => name.startsWith(prefix) && !known.has(name));
  return { values: values as ConfigurationOf<Spec>, unknownVariables };
}

function readTable(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const fault = { field: "file", from: file, message: "the file cannot be read", remedy: "Check its path and mode." };
    throw new ConfigurationError([fault], { cause });
  }
  try {
    return parse(text);
  } catch (cause) {
    const place = cause instanceof TomlError ? `line ${cause.line}, column ${cause.column}` : "somewhere";
    const fault = { field: "file", from: file, message: `it is not TOML at ${place}`, remedy: "Correct that line." };
    throw new ConfigurationError([fault], { cause });
  }
}

/** Keys of the file that no setting has. */
function strangers(
  table: Record<string, unknown>,
  spec: ConfigurationSpec,
  file: string,
  path: readonly string[],
): ConfigurationFault[] {
  const nodes = new Map(Object.entries(spec).map(([name, node]) => [fileName(name), node]));
  return Object.entries(table).flatMap(([key, value]) => {
    const node = nodes.get(key);
    const field = [...path, key].join(".");
    const wrong = (message: string, remedy: string): ConfigurationFault[] => [{ field, from: file, message, remedy }];
    if (node === undefined) {
      const near = nearest(key, [...nodes.keys()]);
      return wrong(
        "there is no such setting",
        near === undefined ? "Remove it." : `Did you mean ${[...path, near].join(".")}?`,
      );
    }
    if (isSetting(node)) return [];
    if (!isTable(value)) return wrong("this is a section, not a value", `Write its settings below [${field}].`);
    return strangers(value, node, file, [...path, key]);
  });
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

function givenTo(
  { path, variable, setting }: NamedSetting,
  { environment, file, overrides }: ConfigurationSource<ConfigurationSpec>,
  table: Record<string, unknown>,
): Given | undefined {
  const override = overrides?.[path.join(".")];
  if (override !== undefined) return { value: override, from: "flag" };
  const text = environment[variable];
  if (text !== undefined && text !== "") return { value: fromText(text, setting.schema), from: variable };
  let value: unknown = table;
  for (const name of path) value = isTable(value) ? value[fileName(name)] : undefined;
  return value === undefined ? undefined : { value, from: file ?? "file" };
}

/** Reads a text as what the schema wants; a text that is no such thing stays one, for the schema to refuse. */
function fromText(text: string, schema: z.ZodType): unknown {
  if (schema.safeParse(text).success) return text;
  const candidates: unknown[] = [
    /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined,
    text === "true" ? true : text === "false" ? false : undefined,
  ];
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    const issue = schema.safeParse(candidate).error?.issues[0];
    // A number that is out of range is told as such, not as a text.
    if (issue?.code !== "invalid_type" && issue?.code !== "invalid_union") return candidate;
  }
  const list = text.split(",").map((item) => item.trim());
  const issue = schema.safeParse(list).error?.issues[0];
  return issue === undefined || issue.path.length > 0 ? list : text;
}

function check(
  { path, variable, setting }: NamedSetting,
  given: Given | undefined,
): { value: unknown } | { fault: ConfigurationFault } {
  const field = path.map(fileName).join(".");
  const remedy = `Set ${field} in the file or ${variable} in the environment`;
  if (given === undefined && setting.fallback !== undefined) return { value: setting.fallback };
  const result = setting.schema.safeParse(given?.value);
  if (result.success) return { value: result.data };
  if (given === undefined) return { fault: { field, message: "it must be given", remedy: `${remedy}.` } };
  const [issue] = result.error.issues;
  const at = issue === undefined || issue.path.length === 0 ? "" : ` at ${z.core.toDotPath(issue.path)}`;
  const shown = setting.secret ? "" : `, not ${JSON.stringify(given.value)}`;
  const message = `${issue?.message ?? "it does not fit"}${at}${shown}`;
  return { fault: { field, from: given.from, message, remedy: `${remedy}: ${setting.help}.` } };
}

function put(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = values;
  for (const name of path.slice(0, -1)) {
    node[name] ??= {};
    node = node[name] as Record<string, unknown>;
  }
  node[path.at(-1) as string] = value;
}

/** The name that is at most two letters away. */
function nearest(word: string, names: readonly string[]): string | undefined {
  const ranked = names.map((name) => ({ name, distance: editDistance(word, name) }));
  ranked.sort((a, b) => a.distance - b.distance);
  return ranked[0] !== undefined && ranked[0].distance <= 2 ? ranked[0].name : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
