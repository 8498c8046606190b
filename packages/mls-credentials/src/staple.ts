import { KeytransError, logId as logIdOf } from "@mls-as/keytrans";
import type { ClientState, KtClient, PendingCredential } from "@mls-as/keytrans/client";
import { type Extension, findExtension } from "@mls-as/mls-core";
import { equalBytes } from "@mls-as/tls-codec";
import type { DeviceEvidence } from "./acceptance-basis.js";
import { checkDeviceList } from "./device-list-check.js";
import { DeviceListError } from "./device-list-error.js";
import { identityBytes } from "./identity/identity-uri.js";

/** LeafNode or KeyPackage extension that carries a KEYTRANS credential of the member's user; private use. */
export const STAPLE_EXTENSION_TYPE = 0xf0a5;

const SECTION = "Verification needs no network";

export type StapleErrorCode =
  /** Not a credential, or one whose proof fails; `cause` says which rule. */
  | "invalid-staple"
  /** It relies on a distinguished entry that is not known here: walk the distinguished heads, or keep it until then. */
  | "unknown-head"
  | "staple-of-other-user"
  /** An older version than was seen before: somebody replays the past. */
  | "older-than-seen"
  /** The proven value is no device list of that user. */
  | "invalid-device-list";

/** Refusal of a stapled credential. */
export class StapleError extends Error {
  override readonly name = "StapleError";
  readonly section = SECTION;
  readonly code: StapleErrorCode;
  readonly path: string;

  constructor(code: StapleErrorCode, path: string, reason: string, options?: { readonly cause: unknown }) {
    super(`${path}: ${reason}`, options);
    this.code = code;
    this.path = path;
  }
}

/** The stapled KEYTRANS credential among the extensions of a LeafNode or KeyPackage; undefined when there is none. */
export function stapleOf(...places: readonly (readonly Extension[])[]): Uint8Array | undefined {
  for (const extensions of places) {
    const found = findExtension(extensions, STAPLE_EXTENSION_TYPE);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The extension to put into a LeafNode or KeyPackage. @param credential TLS-encoded `Credential` of KEYTRANS */
export function stapleExtension(credential: Uint8Array): Extension {
  return { extensionType: STAPLE_EXTENSION_TYPE, extensionData: credential };
}

export interface StapleBasis {
  readonly client: KtClient;
  /** What this device knows of the log; verifying a staple never changes it. */
  readonly state: ClientState;
  /** User URI whose devices it should prove. */
  readonly user: string;
  /** The greatest version of that user's list that was seen before. */
  readonly seenVersion?: number;
}

export interface StapledEvidence {
  readonly devices: DeviceEvidence & { readonly value: Uint8Array };
  /** Of a provisional credential: what final verification needs, later and without asking the log about this user. */
  readonly pending: PendingCredential | undefined;
}

/**
 * Verifies a stapled credential offline: against the distinguished heads in `state`, and never below a version that was
 * seen. How old it may be is the policy's `oldestStaple`, which the verifier applies.
 *
 * @throws StapleError
 */
export async function verifyStaple(staple: Uint8Array, basis: StapleBasis): Promise<StapledEvidence> {
  const { client, state, user, seenVersion } = basis;
  const { label, version, value, position, pending } = await client.verifyCredential(state, staple).catch(refusal);
  if (!equalBytes(label, identityBytes(user)))
    throw new StapleError("staple-of-other-user", "label", `not the devices of ${user}`);
  if (seenVersion !== undefined && version < seenVersion)
    throw new StapleError("older-than-seen", "version", `version ${version}; version ${seenVersion} was seen before`);
  const logId = logIdOf(client.setting.configuration);
  const entry = state.distinguished.find((known) => known.position === position);
  if (entry === undefined) throw new StapleError("unknown-head", "position", `entry ${position} is not known`);
  try {
    const list = checkDeviceList(value, { label: user, version, logId });
    // A provisional credential reaches beyond its distinguished entry; that entry's time is all that is sure.
    const provenAt = Math.floor(entry.timestamp / 1000);
    return { devices: { list, value, logId, position, provenAt, source: "staple" }, pending };
  } catch (cause) {
    if (!(cause instanceof DeviceListError)) throw cause;
    throw new StapleError("invalid-device-list", `value.${cause.path}`, `${cause.code}: ${cause.message}`, { cause });
  }
}

function refusal(cause: unknown): never {
  if (!(cause instanceof KeytransError)) throw cause;
  const code = cause.code === "unknown-distinguished-head" ? "unknown-head" : "invalid-staple";
  throw new StapleError(code, cause.path, `${cause.code}: ${cause.message}`, { cause });
}
