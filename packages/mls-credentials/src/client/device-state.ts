import type { StateStore } from "@mls-as/kt-client";
import { fromBase64Url, toBase64Url } from "../base64url.js";
import { ClientError } from "./client-error.js";
import type { SignedRequest } from "./device-request.js";
import type { EnrolmentRequest } from "./enrolment.js";
import type { RevocationReason } from "./revocation.js";

/** A credential of this device. Times in seconds since 1970. */
export interface HeldCredential {
  readonly id: string;
  /** Name of its key in the keystore. */
  readonly key: string;
  /** base64url DER: leaf, issuer. */
  readonly certificates: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  /** When this device will ask for the next one. */
  readonly renewAt: number;
  /** The credential that took its place, or that it was revoked. */
  readonly replacedBy?: string;
  readonly revokedAt?: number;
}

/** What was begun and is not finished. `request`, once there, is sent again byte for byte. */
export type PendingOperation =
  | {
      readonly kind: "enrolment";
      readonly keys: readonly string[];
      readonly proof: EnrolmentRequest["enrolment"];
      readonly request: EnrolmentRequest | null;
    }
  | {
      readonly kind: "renewal";
      readonly of: string;
      readonly keys: readonly string[];
      readonly token: string | null;
      readonly request: SignedRequest | null;
    }
  | { readonly kind: "revocation"; readonly id: string; readonly reason: RevocationReason }
  | { readonly kind: "compromise"; readonly keys: readonly string[] };

/** All that a device keeps about its credentials, as JSON in a `StateStore`. Private keys are in the keystore. */
export interface DeviceState {
  readonly format: 1;
  readonly user: string;
  readonly client: string;
  readonly credentials: readonly HeldCredential[];
  readonly pending: PendingOperation | null;
}

/** The stored state of one device, written as a whole and only when nobody else has changed it. */
export class DeviceRecordStore {
  readonly #store: StateStore;
  readonly #empty: DeviceState;
  #revision: string | undefined;

  constructor(store: StateStore, user: string, client: string) {
    this.#store = store;
    this.#empty = { format: 1, user, client, credentials: [], pending: null };
  }

  /** @throws ClientError `invalid-state`, LogClientError of the store */
  async load(): Promise<DeviceState> {
    const stored = await this.#store.load();
    this.#revision = stored?.revision;
    if (stored === undefined) return this.#empty;
    const state = readState(stored.bytes);
    if (state.user !== this.#empty.user || state.client !== this.#empty.client)
      throw new ClientError("invalid-state", "store", `holds the state of ${state.client}`);
    return state;
  }

  /** @throws ClientError `state-conflict` */
  async save(state: DeviceState): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(state));
    const revision = await this.#store.save(bytes, this.#revision);
    if (revision === undefined) throw new ClientError("state-conflict", "store", "another process changed the state");
    this.#revision = revision;
  }
}

type Rule = (value: unknown) => boolean;
const isText: Rule = (value) => typeof value === "string";
const isTime: Rule = (value) => Number.isSafeInteger(value);
const isBytes: Rule = (value) => typeof value === "string" && fromBase64Url(value) !== undefined;
const listOf =
  (rule: Rule): Rule =>
  (value) =>
    Array.isArray(value) && value.every(rule);
const either =
  (...rules: readonly Rule[]): Rule =>
  (value) =>
    rules.some((rule) => rule(value));
const isNull: Rule = (value) => value === null;
const is =
  (wanted: unknown): Rule =>
  (value) =>
    value === wanted;
const maybe = (rule: Rule): Rule => either(rule, is(undefined));
const object =
  (rules: Readonly<Record<string, Rule>>): Rule =>
  (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const fields = value as Record<string, unknown>;
    return (
      Object.keys(fields).every((name) => Object.hasOwn(rules, name)) &&
      Object.entries(rules).every(([name, rule]) => rule(fields[name]))
    );
  };

const isProof = object({
  token: maybe(isText),
  approval: maybe(isBytes),
  idToken: maybe(isText),
  accessToken: maybe(isText),
});
const isState = object({
  format: is(1),
  user: isText,
  client: isText,
  credentials: listOf(
    object({
      id: isText,
      key: isText,
      certificates: listOf(isBytes),
      notBefore: isTime,
      notAfter: isTime,
      renewAt: isTime,
      replacedBy: maybe(isText),
      revokedAt: maybe(isTime),
    }),
  ),
  pending: either(
    isNull,
    object({
      kind: is("enrolment"),
      keys: listOf(isText),
      proof: isProof,
      request: either(isNull, object({ csrs: listOf(isBytes), enrolment: isProof })),
    }),
    object({
      kind: is("renewal"),
      of: isText,
      keys: listOf(isText),
      token: either(isNull, isText),
      request: either(isNull, object({ protected: isBytes, payload: isBytes, signature: isBytes })),
    }),
    object({ kind: is("revocation"), id: isText, reason: isText }),
    object({ kind: is("compromise"), keys: listOf(isText) }),
  ),
});

function readState(bytes: Uint8Array): DeviceState {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ClientError("invalid-state", "store", "not UTF-8 JSON", { cause });
  }
  if (!isState(value)) throw new ClientError("invalid-state", "store", "not a device's state of format 1");
  return value as DeviceState;
}

/** The stored form of a chain. */
export const storedChain = (certificates: readonly Uint8Array[]): string[] => certificates.map(toBase64Url);
