import { readFile } from "node:fs/promises";
import { bearerToken, ConfigurationError, isSecret } from "@mls-as/service-runtime";
import type { Config } from "./config.js";

/** Decides who may ask the log about labels. Asked before the request is read, so that its answer tells nothing of any label. */
export interface AccessPolicy {
  /** `authorization`: that header's value. */
  mayRead(authorization: string | undefined): boolean;
}

export const PUBLIC_ACCESS: AccessPolicy = { mayRead: () => true };

/** Holders of one of the tokens whose SHA-256 are listed may read, and the writer. */
export function bearerAccess(hashes: readonly Uint8Array[]): AccessPolicy {
  return {
    mayRead(authorization) {
      const presented = bearerToken(authorization);
      let found = false;
      for (const hash of hashes) if (isSecret(presented, hash)) found = true;
      return found;
    },
  };
}

/**
 * The policy that the configuration names: public, or the readers in a file that has the SHA-256 of a token, in
 * hexadecimal, on each line. @throws ConfigurationError
 */
export async function accessPolicy(config: Config, writerTokenHash: Uint8Array): Promise<AccessPolicy> {
  const path = config.readerTokensFile;
  if (path === undefined) return PUBLIC_ACCESS;
  const fault = (message: string, options?: ErrorOptions): ConfigurationError =>
    new ConfigurationError(
      [
        {
          field: "reader_tokens_file",
          from: path,
          message,
          remedy: "Write the SHA-256 of each token in hexadecimal, a line each",
        },
      ],
      options,
    );
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw fault("the file cannot be read", { cause });
  });
  const hashes = text.split("\n").flatMap((line, i) => {
    if (/^\s*(#.*)?$/.test(line)) return [];
    if (!/^[0-9a-f]{64}$/.test(line.trim())) throw fault(`line ${i + 1} is not a SHA-256 in hexadecimal`);
    return [new Uint8Array(Buffer.from(line.trim(), "hex"))];
  });
  return bearerAccess([...hashes, writerTokenHash]);
}
