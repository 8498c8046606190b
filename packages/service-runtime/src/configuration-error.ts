/** One thing that is wrong with how a service was configured. */
export interface ConfigurationFault {
  /** The setting, as `oidc.issuer`. */
  readonly field: string;
  /** Where the value came from: a variable, a file, a flag; undefined where nothing was given. */
  readonly from?: string | undefined;
  readonly message: string;
  /** What the operator does about it. */
  readonly remedy: string;
}

/** All that is wrong with a configuration, told at once. No value of a secret setting is in it. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly faults: readonly ConfigurationFault[];

  constructor(faults: readonly ConfigurationFault[], options?: ErrorOptions) {
    const lines = faults.map(
      ({ field, from, message, remedy }) =>
        `  ${field}${from === undefined ? "" : ` (${from})`}: ${message}. ${remedy}`,
    );
    super(`The configuration is wrong:\n${lines.join("\n")}`, options);
    this.faults = faults;
  }
}
