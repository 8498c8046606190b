import type { z } from "zod";

/** One setting of a service. */
export interface Setting<T> {
  readonly schema: z.ZodType<T>;
  /** What the setting is for, with unit; one line. */
  readonly help: string;
  /** Its value is never shown. */
  readonly secret: boolean;
  /** Taken where nothing is given; without one the schema is asked about `undefined`. */
  readonly fallback: T | undefined;
  /** Name of the environment variable, instead of the one made from the setting's name. */
  readonly variable: string | undefined;
}

export interface SettingOptions<T> {
  readonly help: string;
  readonly default?: T;
  readonly secret?: boolean;
  readonly variable?: string;
}

/** A setting whose values `schema` accepts; texts of the environment are read as the number, boolean or list it wants. */
export function setting<T>(schema: z.ZodType<T>, options: SettingOptions<NoInfer<T>>): Setting<T> {
  const { help, secret = false, variable } = options;
  return { schema, help, secret, fallback: options.default, variable };
}

/** Settings by name, in sections where they belong together. */
export interface ConfigurationSpec {
  readonly [name: string]: Setting<unknown> | ConfigurationSpec;
}

/** The values that a spec describes. */
export type ConfigurationOf<Spec> = {
  readonly [Name in keyof Spec]: Spec[Name] extends Setting<infer T> ? T : ConfigurationOf<Spec[Name]>;
};

export const isSetting = (node: Setting<unknown> | ConfigurationSpec): node is Setting<unknown> =>
  typeof (node as Setting<unknown>).help === "string";

/** `batchMilliseconds` → `batch_milliseconds`: the name in a file. */
export const fileName = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export interface NamedSetting {
  /** Names of its sections and its own, as in the spec. */
  readonly path: readonly string[];
  readonly variable: string;
  readonly setting: Setting<unknown>;
}

/** All settings of a spec with the variables that set them. */
export function settingsOf(spec: ConfigurationSpec, prefix: string, path: readonly string[] = []): NamedSetting[] {
  return Object.entries(spec).flatMap(([name, node]) => {
    const here = [...path, name];
    if (!isSetting(node)) return settingsOf(node, prefix, here);
    const variable = node.variable ?? `${prefix}${here.map((part) => fileName(part).toUpperCase()).join("_")}`;
    return [{ path: here, variable, setting: node }];
  });
}

/** A row of a service's configuration reference. */
export interface SettingDescription {
  /** Name in the file, as `oidc.issuer`. */
  readonly field: string;
  readonly variable: string;
  /** As it would be written; undefined where there is none. */
  readonly default: string | undefined;
  readonly help: string;
}

/** The configuration reference of a service; its documentation is tested against it. */
export function describeConfiguration(spec: ConfigurationSpec, prefix: string): SettingDescription[] {
  return settingsOf(spec, prefix).map(({ path, variable, setting: { fallback, help } }) => ({
    field: path.map(fileName).join("."),
    variable,
    default: fallback === undefined ? undefined : typeof fallback === "string" ? fallback : JSON.stringify(fallback),
    help,
  }));
}
