import { type ConfigurationOf, readConfiguration } from "@mls-as/service-runtime";
import { OTHER_VARIABLES, SETTINGS, VARIABLE_PREFIX } from "./settings.js";

/** What an operator set, checked; `SETTINGS` says what each is for. */
export interface Config extends Omit<ConfigurationOf<typeof SETTINGS>, "heartbeatSeconds"> {
  readonly heartbeatMilliseconds: number;
  /** Variables that look like settings and are none. */
  readonly unknownVariables: readonly string[];
}

/**
 * Reads and checks all settings at once: `overrides` (flags of the command) over environment over the file that
 * `KT_LOG_CONFIG` names over defaults. @throws ConfigurationError naming every field that is wrong
 */
export function readConfig(environment: NodeJS.ProcessEnv, overrides: Partial<Config> = {}): Config {
  const { values, unknownVariables } = readConfiguration({
    prefix: VARIABLE_PREFIX,
    spec: SETTINGS,
    environment,
    file: environment["KT_LOG_CONFIG"],
    overrides,
  });
  const { heartbeatSeconds, ...settings } = values;
  return {
    ...settings,
    heartbeatMilliseconds: overrides.heartbeatMilliseconds ?? heartbeatSeconds * 1000,
    unknownVariables: unknownVariables.filter((name) => !OTHER_VARIABLES.has(name)),
  };
}
