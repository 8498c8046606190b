import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Config, ConfigError } from "./config.js";

/** Decides who may ask the log about labels. Asked before the request is read, so that its answer tells nothing of any label. */
export interface AccessPolicy {
  /** `authorization`: that header's value. */
  mayRead(authorization: string | undefined): boolean;
}

export const PUBLIC_ACCESS: AccessPolicy = { mayRead: () => true };

const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest();

/** The token of `Authorization: Bearer`; empty where there is none. */
export function bearerToken(authorization: string | undefined): string {
  return /^Bearer ([A-Za-z0-9_-]{1,128})$/.exec(authorization ?? "")?.[1] ?? "";
}

/** Compares in constant time with a token's SHA-256, which is all that is kept of it. */
export function isToken(presented: string, hash: Uint8Array): boolean {
  return timingSafeEqual(hashOf(presented), hash);
}

/** Holders of one of the tokens whose SHA-256 are listed may read, and the writer. */
export function bearerAccess(hashes: readonly Uint8Array[]): AccessPolicy {
  return {
    mayRead(authorization) {
      const presented = bearerToken(authorization);
      let found = false;
      for (const hash of hashes) if (isToken(presented, hash)) found = true;
      return found;
    },
  };
}

/**
 * The policy that the configuration names: public, or the readers in a file that has the SHA-256 of a token, in
 * hexadecimal, on each line. @throws ConfigError
 */
export async function accessPolicy(config: Config, writerTokenHash: Uint8Array): Promise<AccessPolicy> {
  const path = config.readerTokensFile;
  if (path === undefined) return PUBLIC_ACCESS;
  const field = "KT_LOG_READER_TOKENS_FILE";
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ConfigError(`The configuration is wrong:\n  ${field}: ${path} cannot be read`, { cause });
  });
  const hashes = text.split("\n").flatMap((line, i) => {
    if (/^\s*(#.*)?$/.test(line)) return [];
    if (!/^[0-9a-f]{64}$/.test(line.trim()))
      throw new ConfigError(`The configuration is wrong:\n  ${field}: line ${i + 1} is not a SHA-256 in hexadecimal`);
    return [new Uint8Array(Buffer.from(line.trim(), "hex"))];
  });
  return bearerAccess([...hashes, writerTokenHash]);
}
