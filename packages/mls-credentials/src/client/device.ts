import type { StateStore, SuiteSource } from "@mls-as/kt-client";
import { fromBase64Url, toBase64Url } from "../base64url.js";
import { userOfClient } from "../identity/identity-uri.js";
import { approveDevice } from "./approval.js";
import type { DeviceKey } from "./certificate-request.js";
import { ClientError } from "./client-error.js";
import { type RequestSigner, reportKeyCompromise } from "./device-request.js";
import {
  DeviceRecordStore,
  type DeviceState,
  type HeldCredential,
  type PendingOperation,
  storedChain,
} from "./device-state.js";
import { type EnrolmentProof, enrol, resumeEnrolment } from "./enrolment.js";
import type { Enrolment, IssuanceSetting } from "./issuance.js";
import { type KeyStore, labelledSignerOf } from "./key-store.js";
import { defaultRenewalWindow, readRenewalWindow, renew, renewalMoment, resumeRenewal } from "./renewal.js";
import { type RevocationReason, revokeCredential } from "./revocation.js";

export interface DeviceOptions extends Omit<IssuanceSetting, "user"> {
  readonly keys: KeyStore;
  readonly store: StateStore;
  /** TLS SignatureScheme of new keys; default Ed25519. */
  readonly scheme?: number;
  /** In [0, 1); for jitter. */
  readonly random?: () => number;
  readonly suite?: SuiteSource | undefined;
}

/** A credential with its key, ready for use. */
export interface UsableCredential {
  readonly held: HeldCredential;
  readonly key: DeviceKey;
  readonly certificates: readonly Uint8Array[];
}

type PendingIssuance = Extract<PendingOperation, { kind: "enrolment" | "renewal" }>;

const ED25519 = 0x0807;
/** Refusals after which the same request may still succeed. */
const PASSING = new Set([408, 409, 425, 429]);

/**
 * A device and its credentials over its whole life. Every step is stored before it is taken, so a device that was killed
 * at any point goes on with `resume`: the same keys, the same request, byte for byte.
 */
export class Device {
  readonly client: string;
  readonly user: string;
  readonly #options: DeviceOptions;
  readonly #record: DeviceRecordStore;
  #state: DeviceState;

  private constructor(options: DeviceOptions, record: DeviceRecordStore, state: DeviceState) {
    this.client = options.client;
    this.user = state.user;
    this.#options = options;
    this.#record = record;
    this.#state = state;
  }

  /** Opens the device that a store holds, or a new one. @throws ClientError, IdentityError */
  static async open(options: DeviceOptions): Promise<Device> {
    const record = new DeviceRecordStore(options.store, userOfClient(options.client), options.client);
    return new Device(options, record, await record.load());
  }

  /** Every credential, replaced and revoked ones included, oldest first. */
  get credentials(): readonly HeldCredential[] {
    return this.#state.credentials;
  }

  /** What was begun and is not finished. */
  get pending(): PendingOperation | null {
    return this.#state.pending;
  }

  /** The newest credential that is neither replaced, revoked nor expired. @throws ClientError `not-enrolled`, `key-missing` */
  async current(): Promise<UsableCredential> {
    const held = this.#state.credentials.findLast((each) => this.#isActive(each));
    if (held === undefined) throw new ClientError("not-enrolled", "credentials", "no active credential");
    return await this.#use(held);
  }

  /** Gets the device's first credentials. @throws ClientError `already-enrolled`, or what the service says */
  async enrol(proof: EnrolmentProof, count = 1): Promise<readonly HeldCredential[]> {
    if (this.#state.credentials.some((each) => this.#isActive(each)))
      throw new ClientError("already-enrolled", "credentials", "renew instead");
    const { approval, ...rest } = proof;
    const stored = { ...rest, ...(approval === undefined ? {} : { approval: toBase64Url(approval) }) };
    await this.#begin({ kind: "enrolment", keys: newKeyNames(count), proof: stored, request: null });
    return await this.resume();
  }

  /** Replaces a credential now, whether it is due or not. `token`: a fresh enrolment token, where the service asks for one. */
  async renew(id: string, token?: string): Promise<readonly HeldCredential[]> {
    this.#find(id);
    await this.#begin({ kind: "renewal", of: id, keys: newKeyNames(1), token: token ?? null, request: null });
    return await this.resume();
  }

  /**
   * Renews what is due, after asking the service whether it wants some sooner. To be called about once a day, and when
   * `nextRenewal` comes. @throws ClientError
   */
  async renewIfDue(token?: string): Promise<readonly HeldCredential[]> {
    await this.resume();
    const renewed: HeldCredential[] = [];
    for (const { id } of this.#state.credentials.filter((each) => this.#isActive(each))) {
      await this.#learnWindow(id);
      if (this.#find(id).renewAt <= this.#now()) renewed.push(...(await this.renew(id, token)));
    }
    return renewed;
  }

  /** When the next credential is due; undefined without an active one. Seconds since 1970. */
  nextRenewal(): number | undefined {
    const moments = this.#state.credentials.filter((each) => this.#isActive(each)).map(({ renewAt }) => renewAt);
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  /** Revokes a credential of this device, or of another device of its user. @throws ClientError */
  async revoke(id: string, reason: RevocationReason = "unspecified"): Promise<void> {
    await this.#begin({ kind: "revocation", id, reason });
    await this.resume();
  }

  /**
   * The device's keys may be in other hands: reports each with its own signature, so that all their credentials are
   * revoked and none is certified again, then forgets them. A new enrolment needs a new proof.
   */
  async reportCompromise(): Promise<void> {
    const keys = this.#state.credentials.filter(({ notAfter }) => notAfter > this.#now()).map(({ key }) => key);
    // Whatever else was under way was for keys that are not to be trusted.
    await this.#save({ ...this.#state, pending: { kind: "compromise", keys } });
    await this.resume();
  }

  /** Vouches for another device of this user, whose client URI and key the user has compared. Valid for an hour. */
  async approve(other: {
    client: string;
    subjectPublicKeyInfo: Uint8Array;
    afterVersion: number;
  }): Promise<Uint8Array> {
    const { key } = await this.current();
    return await approveDevice({
      ...other,
      logId: this.#options.log.logId,
      approver: this.client,
      approverSubjectPublicKeyInfo: key.subjectPublicKeyInfo,
      sign: labelledSignerOf(key),
      expiresAt: this.#now() + 3600,
    });
  }

  /** Finishes what was begun, perhaps by a process that is gone; returns the credentials it gained. @throws ClientError */
  async resume(): Promise<readonly HeldCredential[]> {
    const { pending } = this.#state;
    if (pending === null) return [];
    try {
      if (pending.kind === "revocation") return await this.#resumeRevocation(pending);
      if (pending.kind === "compromise") return await this.#resumeReport(pending);
      const enrolment = await this.#issue(pending);
      return await this.#take(pending, enrolment);
    } catch (error) {
      // What the service will never answer otherwise is given up, so that the user can try something else.
      if (error instanceof ClientError && isFinal(error)) await this.#save({ ...this.#state, pending: null });
      throw error;
    }
  }

  /** Removes the keys of credentials that expired at least `retention` seconds ago. */
  async forgetExpired(retention: number): Promise<void> {
    const gone = this.#state.credentials.filter(({ notAfter }) => notAfter + retention < this.#now());
    for (const { key } of gone) await this.#options.keys.remove(key);
    if (gone.length > 0)
      await this.#save({ ...this.#state, credentials: this.#state.credentials.filter((each) => !gone.includes(each)) });
  }

  async #begin(pending: PendingOperation): Promise<void> {
    if (this.#state.pending !== null)
      throw new ClientError("state-conflict", "pending", `a ${this.#state.pending.kind} is not finished: resume first`);
    await this.#save({ ...this.#state, pending });
  }

  async #issue(pending: PendingIssuance): Promise<Enrolment> {
    try {
      return await this.#send(pending);
    } catch (error) {
      const stale = error instanceof ClientError && error.problem?.startsWith("nonce") === true;
      if (!stale || pending.request === null) throw error;
      // The stored request was never taken, and its nonce is too old by now.
      const again = { ...pending, request: null };
      await this.#save({ ...this.#state, pending: again });
      return await this.#send(again);
    }
  }

  async #send(pending: PendingIssuance): Promise<Enrolment> {
    const { scheme = ED25519, keys: store } = this.#options;
    const keys: DeviceKey[] = [];
    for (const name of pending.keys) keys.push(await store.generate(name, scheme));
    const setting = { ...this.#options, user: this.user, keys };
    if (pending.kind === "enrolment") {
      if (pending.request !== null) return await resumeEnrolment(setting, pending.request);
      const { approval, ...rest } = pending.proof;
      const proof = { ...rest, ...(approval === undefined ? {} : { approval: fromBase64Url(approval) as Uint8Array }) };
      return await enrol({
        ...setting,
        proof,
        onRequest: (request) => this.#save({ ...this.#state, pending: { ...pending, request } }),
      });
    }
    if (pending.request !== null) return await resumeRenewal({ ...setting, id: pending.of }, pending.request);
    return await renew({
      ...setting,
      id: pending.of,
      signer: await this.#signer(this.#find(pending.of)),
      token: pending.token ?? undefined,
      onRequest: (request) => this.#save({ ...this.#state, pending: { ...pending, request } }),
    });
  }

  /** Stores what was issued and ends the operation, in one write. */
  async #take(pending: PendingIssuance, { credentials }: Enrolment): Promise<readonly HeldCredential[]> {
    const gained = credentials.map((credential, i): HeldCredential => {
      const { id, notBefore, notAfter } = credential;
      const renewAt = renewalMoment(defaultRenewalWindow(credential), this.#options.random ?? Math.random);
      const certificates = storedChain(credential.certificates);
      return { id, key: pending.keys[i] as string, certificates, notBefore, notAfter, renewAt };
    });
    const [next] = gained;
    const before = this.#state.credentials.map((each) =>
      pending.kind === "renewal" && each.id === pending.of && next !== undefined
        ? { ...each, replacedBy: next.id }
        : each,
    );
    await this.#save({ ...this.#state, credentials: [...before, ...gained], pending: null });
    return gained;
  }

  async #resumeRevocation({ id, reason }: Extract<PendingOperation, { kind: "revocation" }>): Promise<[]> {
    const own = this.#state.credentials.find((each) => each.id === id);
    const signer = this.#state.credentials.findLast((each) => this.#isActive(each) && each.id !== id) ?? own;
    if (signer === undefined) throw new ClientError("not-enrolled", "credentials", "no credential to sign with");
    const { service, fetch, timeout } = this.#options;
    let revokedAt = this.#now();
    try {
      const input = { service, fetch, timeout, id, reason, signer: await this.#signer(signer) };
      ({ revokedAt } = await revokeCredential(input));
    } catch (error) {
      // A credential that revoked itself cannot sign the repetition: that it no longer may is the answer.
      const done = signer.id === id && error instanceof ClientError && error.problem === "signer-inactive";
      if (!done) throw error;
    }
    const credentials = this.#state.credentials.map((each) => (each.id === id ? { ...each, revokedAt } : each));
    await this.#save({ ...this.#state, credentials, pending: null });
    return [];
  }

  async #resumeReport({ keys }: Extract<PendingOperation, { kind: "compromise" }>): Promise<[]> {
    const { service, fetch, timeout, keys: store } = this.#options;
    for (const name of keys) {
      const key = await store.load(name);
      // A key that is gone was reported before the last crash.
      if (key === undefined) continue;
      await reportKeyCompromise(service, key, { fetch, timeout });
      await store.remove(name);
    }
    const revokedAt = this.#now();
    const credentials = this.#state.credentials.map((each) =>
      keys.includes(each.key) ? { ...each, revokedAt } : each,
    );
    await this.#save({ ...this.#state, credentials, pending: null });
    return [];
  }

  /** Takes the service's window for a credential, if it can be had; a moment within it is drawn only once. */
  async #learnWindow(id: string): Promise<void> {
    const held = this.#find(id);
    const { service, fetch, timeout, random = Math.random } = this.#options;
    let renewAt: number;
    try {
      const window = await readRenewalWindow({ service, fetch, timeout, id, signer: await this.#signer(held) });
      if (held.renewAt >= window.start && held.renewAt <= window.end) return;
      renewAt = renewalMoment(window, random);
    } catch (error) {
      if (error instanceof ClientError && error.code !== "key-missing") return;
      throw error;
    }
    const credentials = this.#state.credentials.map((each) => (each.id === id ? { ...each, renewAt } : each));
    await this.#save({ ...this.#state, credentials });
  }

  #isActive({ replacedBy, revokedAt, notAfter }: HeldCredential): boolean {
    return replacedBy === undefined && revokedAt === undefined && notAfter > this.#now();
  }

  #find(id: string): HeldCredential {
    const held = this.#state.credentials.find((each) => each.id === id);
    if (held === undefined) throw new ClientError("not-enrolled", "id", "no credential of this device");
    return held;
  }

  async #use(held: HeldCredential): Promise<UsableCredential> {
    const key = await this.#options.keys.load(held.key);
    if (key === undefined) throw new ClientError("key-missing", held.key, "the keystore does not hold it");
    return { held, key, certificates: held.certificates.map((each) => fromBase64Url(each) as Uint8Array) };
  }

  async #signer(held: HeldCredential): Promise<RequestSigner> {
    const { key, certificates } = await this.#use(held);
    return { key, certificate: certificates[0] as Uint8Array };
  }

  async #save(state: DeviceState): Promise<void> {
    await this.#record.save(state);
    this.#state = state;
  }

  #now(): number {
    return Math.floor((this.#options.now ?? Date.now)() / 1000);
  }
}

function isFinal({ code, status, problem }: ClientError): boolean {
  if (code !== "refused" || status === undefined) return false;
  return status >= 400 && status < 500 && !PASSING.has(status) && problem?.startsWith("nonce") !== true;
}

/** Names nobody can foresee or use twice. */
function newKeyNames(count: number): string[] {
  return Array.from(
    { length: count },
    () => `key-${toBase64Url(globalThis.crypto.getRandomValues(new Uint8Array(12)))}`,
  );
}
