import {
  Configuration,
  decodeEvidence,
  KeytransError,
  logId,
  SearchRequest,
  type Suite,
  TreeHead,
  TreeHeadTBS,
} from "@mls-as/keytrans";
import { createClient, type EvidenceVerdict, verifyEvidence } from "@mls-as/keytrans/client";
import { CodecError, decode, encode, equalBytes } from "@mls-as/tls-codec";
import { bytesKey } from "../bytes-key.js";
import { identityFromBytes } from "../identity/identity-uri.js";
import type { HeadEvidence, ListEvidence, LogProof } from "./finding.js";
import { hexBytes } from "./sighting-rules.js";

/** A refusal of evidence, with the part that does not hold. */
export class EvidenceRefusal extends Error {
  readonly path: string;
  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.path = path;
  }
}

/** A list from the evidence, with what the log's signature says about it. */
export interface JudgedList {
  readonly user: string;
  readonly version: number;
  readonly value: Uint8Array;
  /** Served by the log under a signed head. */
  readonly proven: boolean;
  /** When it was proven to be the greatest version, seconds; undefined when only its existence was, or nothing. */
  readonly greatestAt: number | undefined;
}

/** How the judge knows a log: its suite's implementation and its identifier. */
export interface KnownLog {
  readonly suite: (id: number) => Suite | Promise<Suite>;
  /** The log that answers for a user; undefined for a user of a domain that the judge does not know. */
  readonly logIdOf: (user: string) => Uint8Array | undefined;
}

/** Checks the proof of each list; a list without one is taken as it stands, unproven. @throws EvidenceRefusal */
export async function judgeLists(
  lists: readonly ListEvidence[],
  owner: string,
  log: KnownLog,
): Promise<readonly JudgedList[]> {
  const judged: JudgedList[] = [];
  for (const [i, { version, value, proof }] of lists.entries()) {
    const bytes = hexBytes(value);
    if (proof === undefined) {
      judged.push({ user: owner, version, value: bytes, proven: false, greatestAt: undefined });
      continue;
    }
    const path = `lists[${i}].proof`;
    const found = await replaySearch(proof, log, path);
    if (found.version !== version || !equalBytes(found.value, bytes))
      throw new EvidenceRefusal(path, "proves another version or value");
    judged.push({ user: found.user, version, value: bytes, proven: true, greatestAt: found.greatestAt });
  }
  return judged;
}

/** Verifies a search again, as somebody who has never seen the log. */
async function replaySearch(
  proof: LogProof,
  log: KnownLog,
  path: string,
): Promise<{ user: string; version: number; value: Uint8Array; greatestAt: number | undefined }> {
  try {
    const configuration = decode(Configuration, hexBytes(proof.configuration));
    const { last, label, version } = decode(SearchRequest, hexBytes(proof.request));
    if (last !== undefined)
      throw new EvidenceRefusal(path, "rests on an earlier view, which only its maker can vouch for");
    const user = identityFromBytes(label).uri;
    requireLog(configuration, user, log, path);
    const suite = await log.suite(configuration.ciphersuite);
    const client = createClient({ suite, configuration, recent: proof.recent });
    const prepared = client.prepareSearch(client.initialState(), { label, version });
    const { result } = await prepared.verify(hexBytes(proof.response), proof.now);
    const greatestAt = version === undefined ? Math.floor(result.timestamp / 1000) : undefined;
    return { user, version: result.version, value: result.value, greatestAt };
  } catch (error) {
    if (error instanceof EvidenceRefusal) throw error;
    if (error instanceof KeytransError || error instanceof CodecError || isIdentityError(error))
      throw new EvidenceRefusal(path, `${error.code}: ${error.message}`);
    throw error;
  }
}

function isIdentityError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && error.name === "IdentityError";
}

function requireLog(configuration: Configuration, user: string, log: KnownLog, path: string): void {
  const known = log.logIdOf(user);
  if (known === undefined || !equalBytes(known, logId(configuration)))
    throw new EvidenceRefusal(path, "not of the log that answers for this user");
}

/** Judges exchanges that are said to show the log breaking its own rules. @throws EvidenceRefusal of another log's, or no evidence */
export async function judgeMisbehaviour(
  encoded: string,
  user: string,
  log: KnownLog,
  path: string,
): Promise<EvidenceVerdict> {
  try {
    const evidence = decodeEvidence(hexBytes(encoded));
    const configuration = decode(Configuration, evidence.configuration);
    requireLog(configuration, user, log, path);
    return await verifyEvidence(await log.suite(configuration.ciphersuite), evidence);
  } catch (error) {
    if (error instanceof KeytransError || error instanceof CodecError)
      throw new EvidenceRefusal(path, `${error.code}: ${error.message}`);
    throw error;
  }
}

/** The root that a log signed for a size; undefined without a signature. @throws EvidenceRefusal */
export async function signedRoot(
  head: HeadEvidence,
  user: string,
  log: KnownLog,
  path: string,
): Promise<string | undefined> {
  if (head.signed === undefined) return undefined;
  try {
    const config = decode(Configuration, hexBytes(head.signed.configuration));
    requireLog(config, user, log, path);
    const { treeSize, signature } = decode(TreeHead, hexBytes(head.signed.treeHead));
    if (treeSize !== head.position + 1) throw new EvidenceRefusal(path, `signed for ${treeSize} entries`);
    const key = (await log.suite(config.ciphersuite)).importSignatureKey(config.signaturePublicKey);
    const root = hexBytes(head.root);
    if (!(await key.verify(encode(TreeHeadTBS, { config, treeSize, root }), signature)))
      throw new EvidenceRefusal(path, "the signature is not over this root");
    return bytesKey(root);
  } catch (error) {
    if (error instanceof CodecError) throw new EvidenceRefusal(path, `${error.code}: ${error.message}`);
    throw error;
  }
}
