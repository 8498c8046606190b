import { encode } from "@mls-as/tls-codec";
import { MAX_VERSION } from "../binary-ladder.js";
import {
  type Configuration,
  type ManagerUpdateRequest,
  UpdateRequest,
  UpdateTBS,
  wireFormat,
} from "../structs/index.js";
import type { Signer, Suite } from "../suite/index.js";
import { decodeRequest } from "./answer.js";
import { ProverError } from "./errors.js";

const SECTION = "Management";

/**
 * Checks what a Service Operator forwards: every value is signed for the version it is to become.
 * Draft sections "Management" and "Update Format". @throws ProverError malformed, wrong-mode, invalid-update-signature
 */
export async function checkManagerUpdate(
  suite: Suite,
  configuration: Configuration,
  bytes: Uint8Array,
): Promise<ManagerUpdateRequest> {
  if (configuration.mode !== "thirdPartyManagement")
    throw new ProverError("wrong-mode", "the log has no manager", SECTION);
  const request = decodeRequest(wireFormat(suite, configuration).ManagerUpdateRequest, SECTION, bytes);
  const { label, values, signedVersion } = request;
  if (values.length === 0 && signedVersion !== 0)
    throw new ProverError("malformed", "without values it is zero", SECTION, "signedVersion");
  const key = suite.importSignatureKey(configuration.leafPublicKey);
  for (const [i, { value, suffix }] of values.entries()) {
    const version = signedVersion + i;
    const signed = version <= MAX_VERSION && { config: configuration, label, version, value };
    if (!signed || !suffix.signature || !(await key.verify(encode(UpdateTBS, signed), suffix.signature)))
      throw new ProverError(
        "invalid-update-signature",
        `the operator did not sign version ${version}`,
        "Update Format",
        `values[${i}].suffix`,
      );
  }
  return request;
}

/** The Service Operator's side of third-party management. */
export interface OperatorContext {
  readonly suite: Suite;
  readonly configuration: Configuration;
  /** Holds the key of `Configuration.leaf_public_key`. */
  readonly leafSigner: Signer;
}

/**
 * Turns a user's `UpdateRequest` into the `ManagerUpdateRequest` to forward, with a signature over each value.
 * `signedVersion` is the version authorised for the first value: never authorise one version for two values.
 * Draft section "Management". @throws ProverError
 */
export async function signManagerUpdate(
  { suite, configuration, leafSigner }: OperatorContext,
  updateRequest: Uint8Array,
  signedVersion: number,
): Promise<Uint8Array> {
  if (configuration.mode !== "thirdPartyManagement")
    throw new ProverError("wrong-mode", "the log has no manager", SECTION);
  const { last, label, greatestVersion, values } = decodeRequest(UpdateRequest, SECTION, updateRequest);
  const signed = [];
  for (const [i, { value }] of values.entries()) {
    const tbs = encode(UpdateTBS, { config: configuration, label, version: signedVersion + i, value });
    signed.push({ value, suffix: { signature: await leafSigner.sign(tbs) } });
  }
  return encode(wireFormat(suite, configuration).ManagerUpdateRequest, {
    last,
    label,
    greatestVersion,
    values: signed,
    signedVersion: values.length === 0 ? 0 : signedVersion,
  });
}
