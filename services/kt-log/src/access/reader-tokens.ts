import { readFile } from "node:fs/promises";
import { bearerToken, ConfigurationError, isSecret } from "@mls-as/service-runtime";
import type { Authenticator } from "./access-policy.js";

/** The holder of the token of which only the SHA-256 is kept. */
export function writerToken(hash: Uint8Array): Authenticator {
  return {
    identify: async ({ authorization }) =>
      isSecret(bearerToken(authorization), hash) ? { identity: "writer", writer: true } : undefined,
  };
}

/** Holders of one of the tokens whose SHA-256 are listed. Takes the same time for each of them, and for strangers. */
export function readerTokens(hashes: readonly Uint8Array[]): Authenticator {
  return {
    async identify({ authorization }) {
      const presented = bearerToken(authorization);
      let found: string | undefined;
      for (const [i, hash] of hashes.entries()) if (isSecret(presented, hash)) found = `token ${i}`;
      return found === undefined ? undefined : { identity: found, writer: false };
    },
  };
}

/** Reads a file with the SHA-256 of a token, in hexadecimal, on each line. @throws ConfigurationError */
export async function readTokenHashes(path: string): Promise<Uint8Array[]> {
  const remedy = "Write the SHA-256 of each token in hexadecimal, a line each.";
  const fault = (message: string, options?: ErrorOptions): ConfigurationError =>
    new ConfigurationError([{ field: "reader_tokens_file", from: path, message, remedy }], options);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw fault("the file cannot be read", { cause });
  });
  return text.split("\n").flatMap((line, i) => {
    if (/^\s*(#.*)?$/.test(line)) return [];
    if (!/^[0-9a-f]{64}$/.test(line.trim())) throw fault(`line ${i + 1} is not a SHA-256 in hexadecimal`);
    return [new Uint8Array(Buffer.from(line.trim(), "hex"))];
  });
}
