import { createHash, randomBytes } from "node:crypto";
import type { ChangeOrigin, Continuity, CredentialRecord, DeviceApproval } from "@mls-as/mls-credentials";
import { toHex } from "../binary-text.js";
import type { IssuingCa } from "../ca/development-ca.js";
import { type Config, MAXIMUM_CREDENTIALS } from "../config.js";
import { checkProofs, type PresentedProofs, type ProofContext, standingOf } from "../enrolment/enrolment-proofs.js";
import { type Nonces, nonceHash } from "../enrolment/nonces.js";
import { failpoint } from "../failpoint.js";
import type { LabelQueue } from "../label-queue.js";
import { Problem } from "../problem.js";
import type { Intent, JournalConflict, LabelView, NewIntent } from "../storage/store.js";
import { buildTbsCertificate } from "../x509/certificate-profile.js";
import { type CertificateRequest, domainOf, readCertificateRequest } from "../x509/csr.js";
import { SCHEME } from "../x509/public-key.js";
import { encodeAddition, nextDeviceList } from "./device-list-version.js";
import { type DriverContext, driveIntent, loadView } from "./intent-driver.js";
import { revocationsToShow } from "./withdrawn-credentials.js";

export interface IssuanceContext extends DriverContext, ProofContext {
  readonly config: Config;
  readonly nonces: Nonces;
  readonly queue: LabelQueue;
  /** Origin of this service's URLs, as it goes into certificates. */
  readonly publicUrl: () => string;
}

export interface IssuanceRequest {
  /** DER PKCS#10 requests of one device. */
  readonly csrs: readonly Uint8Array[];
  readonly proofs: PresentedProofs;
  /** The caller's key, or undefined for one made of the request. */
  readonly idempotencyKey: string | undefined;
  /** Covers everything that was asked for: the same hash is the same request. */
  readonly requestHash: string;
  /** The TLS connection that the request came over, where that takes the place of a nonce (EST). */
  readonly channel?: SecureChannel;
}

/** A TLS connection; a CSR is linked to it by its `tls-unique` (RFC 7030, "Linking Identity and POP Information"). */
export interface SecureChannel {
  /** Base64; undefined where the protocol version has none. */
  readonly binding: string | undefined;
}

const TRIES_FOR_A_FREE_LABEL = 3;
/** Certificates whose validity ends within the same 30 days share a CRL. */
export const SHARD_SECONDS = 30 * 86_400;

/**
 * Issues credentials to a device: check, journal, log, verify, sign. Asking again with the same request continues or
 * repeats the answer. The steps are those of `docs/issuance-cycle.md`, in its order.
 *
 * @returns the completed intent
 * @throws Problem
 */
export async function issueCredentials(context: IssuanceContext, request: IssuanceRequest): Promise<Intent> {
  const read = (): WantedCredentials => readRequests(context, request.csrs, request.channel);
  // Callers choose their keys without knowing each other: a key is one of the user whose names the CSRs have.
  const named = request.idempotencyKey === undefined ? undefined : read();
  const idempotencyKey = named && `key:${named.user} ${request.idempotencyKey}`;
  return await oncePerRequest(context, { ...request, idempotencyKey }, async (key) => {
    const wanted = named ?? read();
    return { label: wanted.user, decide: () => journal(context, wanted, request, key) };
  });
}

export type IdentifiedRequest = Pick<IssuanceRequest, "idempotencyKey" | "requestHash">;

/**
 * Runs a request that ends in an intent, once: what was made of it before is continued. `check` does what needs no
 * lock; `decide` journals, and runs with the label held.
 */
export async function oncePerRequest(
  context: IssuanceContext,
  request: IdentifiedRequest,
  check: (key: string) => Promise<{ label: string; decide: () => Promise<Intent> }>,
): Promise<Intent> {
  const key = request.idempotencyKey ?? `request:${request.requestHash}`;
  const earlier = await context.store.intentByKey(key);
  if (earlier !== undefined) return await continueRequest(context, earlier, request);
  const { label, decide } = await check(key);
  return await context.queue.run(label, async () => {
    // A request that raced with its own repetition finds what the other made.
    const meanwhile = await context.store.intentByKey(key);
    if (meanwhile !== undefined) return await driveIntent(context, sameRequest(meanwhile, request));
    const intent = await decide();
    failpoint("intent-journaled");
    return await driveIntent(context, intent);
  });
}

/** Takes up a request that was made before, wherever it stands. */
async function continueRequest(context: IssuanceContext, earlier: Intent, request: IdentifiedRequest): Promise<Intent> {
  const intent = sameRequest(earlier, request);
  if (intent.state === "done") return intent;
  return await context.queue.run(intent.label, async () => {
    const current = (await context.store.intent(intent.id)) ?? intent;
    return await driveIntent(context, sameRequest(current, request));
  });
}

function sameRequest(intent: Intent, { requestHash }: IdentifiedRequest): Intent {
  if (intent.requestHash !== requestHash)
    throw new Problem("idempotency-key-reused", "The key was used for another request.", { section: "HTTP" });
  if (intent.state === "withdrawn")
    throw new Problem("issuance-withdrawn", "The log had declined this request; nothing was issued.");
  return intent;
}

export interface WantedCredentials {
  readonly user: string;
  readonly client: string;
  readonly nonce: string | undefined;
  readonly requests: readonly CertificateRequest[];
}

/**
 * Reads the CSRs of one request, which are all of one device, over one nonce, for different keys. Over a secure channel
 * a CSR needs no nonce, or carries the channel's binding instead of one.
 */
export function readRequests(
  { config }: Pick<IssuanceContext, "config">,
  csrs: readonly Uint8Array[],
  channel?: SecureChannel,
): WantedCredentials {
  if (csrs.length === 0 || csrs.length > MAXIMUM_CREDENTIALS)
    throw new Problem("csr-batch", `1 to ${MAXIMUM_CREDENTIALS} CSRs make a request.`, { path: "csrs" });
  const requests = csrs.map((der, i) =>
    readCertificateRequest(der, `csrs[${i}]`, channel === undefined ? "required" : "optional"),
  );
  const [first] = requests as [CertificateRequest];
  if (domainOf(first.client) !== config.domain)
    throw new Problem("identity-domain", `This service is for ${config.domain}.`, {
      path: "csrs[0]",
      section: "Identities",
    });
  const keys = new Set<string>();
  requests.forEach((request, i) => {
    if (request.client !== first.client || request.nonce !== first.nonce)
      throw new Problem("csr-batch", "The CSRs name different clients or nonces.", { path: `csrs[${i}]` });
    keys.add(toHex(request.subjectPublicKeyInfo));
    if (keys.size !== i + 1) throw new Problem("csr-batch", "Two CSRs have the same key.", { path: `csrs[${i}]` });
  });
  const bound = channel?.binding !== undefined && first.nonce === channel.binding;
  return { user: first.user, client: first.client, nonce: bound ? undefined : first.nonce, requests };
}

export async function checkNonce({ store, nonces, now }: IssuanceContext, { nonce }: WantedCredentials): Promise<void> {
  if (nonce === undefined) return;
  nonces.check(nonce, now(), "csrs[0].challengePassword");
  if (await store.nonceUsed(nonceHash(nonce)))
    throw new Problem("nonce-used", "The nonce has been used.", { path: "csrs[0].challengePassword", section: "HTTP" });
}

/** Decides on an enrolment and journals what was decided. */
async function journal(
  context: IssuanceContext,
  wanted: WantedCredentials,
  request: IssuanceRequest,
  key: string,
): Promise<Intent> {
  await checkNonce(context, wanted);
  const spkis = wanted.requests.map(({ subjectPublicKeyInfo }) => subjectPublicKeyInfo);
  const spkiHashes = spkis.map(sha256);
  const device = { user: wanted.user, client: wanted.client, spkis, spkiHashes };
  return await journalWhenFree(context, wanted.user, async (view) => {
    const now = context.now();
    await checkKeys(context, wanted.client, spkiHashes);
    const accepted = await checkProofs(context, request.proofs, device, view.latest, now);
    const standing = standingOf(view.latest, wanted.client, now);
    const origin =
      accepted.approvals.length > 0 ? "deviceApproval" : standing === "lost-all-devices" ? "recovery" : "enrolment";
    await checkLimits(context, wanted, now);
    return await composeIntent(context, {
      wanted,
      origin,
      approvals: accepted.approvals,
      continuities: [],
      provedAt: now,
      view,
      key,
      requestHash: request.requestHash,
      tokenHash: accepted.tokenHash,
      reliesOn: accepted.approvers,
      actor: wanted.client,
      reason: `enrolment by ${accepted.kinds.join(" and ")}`,
    });
  });
}

/** Journals once the label has no open intent; one that was left open is carried to its end first. */
export async function journalWhenFree(
  context: IssuanceContext,
  label: string,
  compose: (view: LabelView) => Promise<Composed>,
): Promise<Intent> {
  for (let attempt = 0; attempt < TRIES_FOR_A_FREE_LABEL; attempt++) {
    const { change, audit } = await compose(await loadView(context, label));
    const conflict = await context.store.journal(change, context.now(), audit);
    if (conflict === undefined) return { ...change.intent, state: "journaled", position: undefined, proof: undefined };
    if (conflict !== "label-busy") throw conflictProblem(conflict);
    for (const open of await context.store.openIntents(label)) await finishOpen(context, open);
  }
  throw conflictProblem("label-busy");
}

async function finishOpen(context: IssuanceContext, open: Intent): Promise<void> {
  try {
    await driveIntent(context, open);
  } catch (error) {
    if (error instanceof Problem && (error.code === "issuance-withdrawn" || error.code === "log-refused")) return;
    throw error;
  }
}

function conflictProblem(conflict: JournalConflict): Problem {
  switch (conflict) {
    case "nonce-used":
      return new Problem("nonce-used", "The nonce has been used.", {
        path: "csrs[0].challengePassword",
        section: "HTTP",
      });
    case "token-spent":
      return new Problem("token-spent", "The token has been used.", { path: "enrolment.token" });
    case "token-expired":
      return new Problem("token-expired", "The token has expired.", { path: "enrolment.token" });
    case "key-in-use":
      return new Problem("key-in-use", "The key is certified for another client.", { path: "csrs" });
    case "key-blocked":
      return new Problem("key-blocked", "The key is known to be compromised.", { path: "csrs" });
    case "signer-inactive":
      return new Problem("signer-inactive", "The credential that vouches was revoked or expired meanwhile.");
    case "label-busy":
      return new Problem("label-busy", "Another change of this user is under way.", { retryAfter: 2 });
    case "duplicate":
      return new Problem("issuance-pending", "The same request is being worked on.", { retryAfter: 2 });
  }
}

export async function checkKeys(
  { store }: IssuanceContext,
  client: string,
  spkiHashes: readonly Uint8Array[],
): Promise<void> {
  for (const [i, hash] of spkiHashes.entries()) {
    const path = `csrs[${i}]`;
    if (await store.keyBlocked(toHex(hash)))
      throw new Problem("key-blocked", "The key is known to be compromised.", { path });
    const owner = await store.keyOwner(toHex(hash));
    if (owner !== undefined && owner !== client)
      throw new Problem("key-in-use", "The key is certified for another client.", { path, section: "What it is" });
  }
}

export async function checkLimits(
  { store, config }: IssuanceContext,
  wanted: WantedCredentials,
  now: number,
): Promise<void> {
  const unexpired = await store.countUnexpired(wanted.client, now);
  if (unexpired + wanted.requests.length > config.maximumUnexpired)
    throw new Problem("too-many-credentials", `A client may have ${config.maximumUnexpired} unexpired credentials.`);
  const devices = new Set(await store.activeClients(wanted.user, now)).add(wanted.client);
  if (devices.size > config.maximumDevices)
    throw new Problem("too-many-credentials", `A user may have ${config.maximumDevices} devices.`);
}

export interface Decision {
  readonly wanted: WantedCredentials;
  readonly origin: ChangeOrigin;
  /** One for each request, or none. */
  readonly approvals: readonly DeviceApproval[];
  readonly continuities: readonly Continuity[];
  readonly provedAt: number;
  readonly view: LabelView;
  readonly key: string;
  readonly requestHash: string;
  readonly tokenHash: string | undefined;
  /** Ids of the credentials whose word this rests on. */
  readonly reliesOn: readonly string[];
  readonly actor: string;
  readonly reason: string;
}

export interface Composed {
  readonly change: NewIntent;
  readonly audit: Parameters<IssuanceContext["store"]["journal"]>[2];
}

/** Builds the TBSCertificates of a decision and the device list that binds them. */
export async function composeIntent(context: IssuanceContext, decision: Decision): Promise<Composed> {
  const { wanted, view, origin } = decision;
  const now = context.now();
  const notBefore = now - context.config.backdate;
  const notAfter = now + context.config.certificateLifetime;
  const shard = Math.floor(notAfter / SHARD_SECONDS);
  const records: CredentialRecord[] = [];
  const credentials: NewIntent["credentials"][number][] = [];
  for (const [i, { subjectPublicKeyInfo, key }] of wanted.requests.entries()) {
    const issuer = issuerFor(context.issuers(), key.scheme);
    const serial = randomSerial();
    const tbs = buildTbsCertificate({
      issuer,
      serial,
      subjectPublicKeyInfo,
      notBefore,
      notAfter,
      user: wanted.user,
      client: wanted.client,
      logId: context.logId,
      logIdExtension: context.config.logIdExtension,
      ...issuerUrls(context.publicUrl(), issuer.id, shard),
    });
    const hash = sha256(tbs);
    const spkiHash = sha256(subjectPublicKeyInfo);
    records.push({
      tbsCertificateHash: hash,
      spkiHash,
      notBefore: BigInt(notBefore),
      notAfter: BigInt(notAfter),
      status: "active",
      approval: decision.approvals[i],
      continuity: decision.continuities[i],
    });
    credentials.push({
      id: toHex(hash),
      serial: toHex(serial),
      issuer: issuer.id,
      user: wanted.user,
      client: wanted.client,
      spkiHash: toHex(spkiHash),
      notBefore,
      notAfter,
      shard,
      tbs,
      provedAt: decision.provedAt,
    });
  }
  const addition = encodeAddition({ client: wanted.client, addedAt: BigInt(now), credentials: sorted(records) });
  const revoked = await revocationsToShow(context, wanted.user, view.latest);
  const next = nextDeviceList(
    view.latest,
    { label: wanted.user, origin, addition, revoked },
    now,
    context.config.retention,
  );
  const id = toHex(randomBytes(16));
  const nonce =
    wanted.nonce === undefined
      ? undefined
      : { hash: nonceHash(wanted.nonce), expiresAt: now + context.config.nonceLifetime };
  return {
    change: {
      intent: {
        id,
        origin,
        addition,
        kind: "issue",
        label: wanted.user,
        idempotencyKey: decision.key,
        requestHash: decision.requestHash,
        version: next.version,
        value: next.value,
        createdAt: now,
      },
      view,
      credentials,
      nonce,
      tokenHash: decision.tokenHash,
      reliesOn: decision.reliesOn,
    },
    audit: {
      actor: decision.actor,
      action: "issuance-decided",
      subject: wanted.user,
      detail: {
        intent: id,
        client: wanted.client,
        origin,
        why: decision.reason,
        credentials: credentials.map((one) => one.id),
      },
    },
  };
}

/** Ed25519 keys get the Ed25519 chain, keys on NIST curves the P-256 chain. */
function issuerFor(issuers: readonly IssuingCa[], scheme: number): IssuingCa {
  const algorithm = scheme === SCHEME.ed25519 ? "Ed25519" : "P-256";
  const active = issuers.filter(({ status }) => status === "active");
  const issuer = active.find((candidate) => candidate.algorithm === algorithm) ?? active[0];
  if (issuer === undefined) throw new Problem("signer-unavailable", "There is no active issuing key.");
  return issuer;
}

/** Where a certificate says its issuer's CRL, certificate and OCSP responder are. */
export function issuerUrls(
  base: string,
  issuer: string,
  shard: number,
): { crlUrl: string; caIssuersUrl: string; ocspUrl: string } {
  return {
    crlUrl: `${base}/crl/${issuer}-${shard}.crl`,
    caIssuersUrl: `${base}/ca/${issuer}.cer`,
    ocspUrl: `${base}/ocsp`,
  };
}

/** 128 random bits; never with a leading zero octet, so that every serial has the same length. */
function randomSerial(): Uint8Array {
  const serial = new Uint8Array(randomBytes(16));
  if (serial[0] === 0) serial[0] = 1;
  return serial;
}

function sorted(records: readonly CredentialRecord[]): CredentialRecord[] {
  return [...records].sort((a, b) => Buffer.compare(a.tbsCertificateHash, b.tbsCertificateHash));
}

function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(data).digest());
}
