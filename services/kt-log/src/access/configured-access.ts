import type { Config } from "../config.js";
import { type AccessPolicy, type Authenticator, operatorPolicy } from "./access-policy.js";
import { deviceSignatures, readAnchors } from "./device-signature.js";
import { readerTokens, readTokenHashes, writerToken } from "./reader-tokens.js";
import type { RequestNonces } from "./request-nonces.js";

/** The policy that the configuration names. @throws ConfigurationError */
export async function configuredAccess(
  config: Config,
  writerTokenHash: Uint8Array,
  nonces: RequestNonces,
  clock: () => number,
): Promise<AccessPolicy> {
  const readers: Authenticator[] = [];
  if (config.readerTokensFile !== undefined) readers.push(readerTokens(await readTokenHashes(config.readerTokensFile)));
  if (config.readerAnchorsFile !== undefined)
    readers.push(deviceSignatures({ anchors: await readAnchors(config.readerAnchorsFile), nonces, clock }));
  const search = config.searchAccess ?? (readers.length > 0 ? "readers" : "public");
  return operatorPolicy(writerToken(writerTokenHash), readers, { search, monitor: config.monitorAccess ?? search });
}
