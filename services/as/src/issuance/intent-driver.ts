import { createHash } from "node:crypto";
import { CodecError, equalBytes } from "@mls-as/tls-codec";
import { fromHex, toHex } from "../binary-text.js";
import type { IssuingCa } from "../ca/development-ca.js";
import { failpoint } from "../failpoint.js";
import { type Appended, LogError, type TransparencyLog } from "../log/log.js";
import { Problem } from "../problem.js";
import type { Intent, IssuedCertificate, LabelView, Store, StoredCredential } from "../storage/store.js";
import { signCertificate } from "../x509/certificate-profile.js";
import { addedIn, nextDeviceList, recordOf, revokedIn } from "./device-list-version.js";
import { revocationsToShow } from "./withdrawn-credentials.js";

/** The last look at a certificate before it leaves; returns what is wrong with it. */
export type FinalCheck = (
  certificate: Uint8Array,
  credential: StoredCredential,
  issuer: IssuingCa,
) => Promise<string | undefined>;

export interface DriverContext {
  readonly store: Store;
  readonly log: TransparencyLog;
  readonly issuers: () => readonly IssuingCa[];
  readonly finalCheck: FinalCheck;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Seconds that records stay in the list after they expired. */
  readonly retention: number;
  /** Called with what an operator must hear: a log that lies, a signature that could not be made. */
  readonly alarm: (event: string, detail: Record<string, unknown>) => void;
}

/** Rebuilds on a label that others keep changing before the request is sent back. */
const MAX_REBASES = 8;

/**
 * Carries an intent from where it stands to `done`: log, verify, sign. Safe to repeat at any point, after any crash;
 * the order of the steps is the one in `docs/issuance-cycle.md`. The caller holds the label.
 *
 * @throws Problem `log-unavailable`, `log-refused`, `log-proof-invalid`, `signer-unavailable`
 */
export async function driveIntent(context: DriverContext, intent: Intent): Promise<Intent> {
  let current = intent;
  if (current.state === "journaled") current = await logIntent(context, current);
  if (current.state === "logged") current = await signIntent(context, current);
  return current;
}

async function logIntent(context: DriverContext, intent: Intent): Promise<Intent> {
  const { store, log } = context;
  let { version, value } = intent;
  let view = await loadView(context, intent.label);
  for (let attempt = 0; attempt <= MAX_REBASES; attempt++) {
    const outcome = await appendOnce(context, intent, view, version, value);
    view = outcome.view;
    if (outcome.position !== undefined) {
      if (outcome.held !== undefined) {
        ({ version, value } = outcome.held);
        await store.rebase(intent, view, version, value);
      }
      const proof = await askLog(context, intent, () => proveLogged(log, intent.label, version, value));
      if (intent.kind === "issue") failpoint("logged");
      if (intent.kind === "revoke") failpoint("revocation-logged");
      const shown = intent.kind === "policy" ? [] : revokedIn(value);
      const { position } = outcome;
      const moved = await store.markLogged(intent, view, position, proof, [...shown], context.now());
      return moved ? { ...intent, state: "logged", version, value, position, proof } : await reload(store, intent.id);
    }
    if (intent.kind === "policy") return await giveUpPolicy(context, intent);
    const revoked = await revocationsToShow(context, intent.label, view.latest);
    const next = nextDeviceList(view.latest, { ...intent, revoked }, context.now(), context.retention);
    ({ version, value } = next);
    await store.rebase(intent, view, version, value);
  }
  throw new Problem("label-busy", "The log keeps moving on for this user.", { retryAfter: 2 });
}

const COMPLETED = { issue: "credentials-issued", revoke: "revocations-logged", policy: "policy-logged" } as const;

/** A policy names its predecessor, so that it cannot be put on top of another one than it was made for. */
async function giveUpPolicy(context: DriverContext, intent: Intent): Promise<never> {
  context.alarm("policy-superseded", { label: intent.label, intent: intent.id });
  await withdraw(context, intent, "the log holds another policy");
  throw new Problem("issuance-withdrawn", "The log holds another policy than this one was made to follow.");
}

/** What is known of a label: from the store, or from the log when the store has never seen it. */
export async function loadView(
  { store, log, alarm }: Pick<DriverContext, "store" | "log" | "alarm">,
  label: string,
): Promise<LabelView> {
  const known = await store.label(label);
  if (known !== undefined) return known;
  try {
    return await log.open(label);
  } catch (error) {
    const problem = logProblem(error);
    if (problem.code === "log-proof-invalid") alarm("log-proof-invalid", { label, reason: String(error) });
    throw problem;
  }
}

/** What the log shows of a label now. @throws Problem */
export async function lookAtLabel({ log }: Pick<DriverContext, "log">, label: string): Promise<LabelView> {
  try {
    return await log.look(label);
  } catch (error) {
    throw logProblem(error);
  }
}

interface AppendOutcome {
  readonly view: LabelView;
  /** Set when the log holds what the intent is to bring about. */
  readonly position: number | undefined;
  /** Set when it holds it in another version than was asked for. */
  readonly held?: NonNullable<LabelView["latest"]>;
}

/** One request to the log. `position` is set when the log holds exactly our bytes as exactly our version. */
async function appendOnce(
  context: DriverContext,
  intent: Intent,
  view: LabelView,
  version: number,
  value: Uint8Array,
): Promise<AppendOutcome> {
  const { latest } = view;
  if (latest !== undefined && latest.version >= version) return { view, position: undefined };
  let appended: Appended;
  try {
    appended = await askLog(context, intent, () => context.log.append(intent.label, view, value));
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "log-refused") throw error;
    return await afterRefusal(context, intent, version, value, error);
  }
  const ours = appended.versions.find((logged) => logged.version === version);
  const held = ours !== undefined && equalBytes(ours.value, value);
  return { view: appended.view, position: held ? appended.position : undefined };
}

/**
 * A log that declines an update has, by its word, not taken it. Its word is not enough: a record that it took all the
 * same would stay active for ever. What it proves to hold decides whether the intent is withdrawn.
 *
 * @throws Problem the refusal, when the intent was withdrawn
 */
async function afterRefusal(
  context: DriverContext,
  intent: Intent,
  version: number,
  value: Uint8Array,
  refusal: Problem,
): Promise<AppendOutcome> {
  context.alarm("log-refused", { label: intent.label, intent: intent.id, reason: refusal.message });
  const seen = await askLog(context, intent, () =>
    showLogged(context.log.look(intent.label), "the log does not show what it holds"),
  );
  const { latest, position } = seen;
  if (latest !== undefined && position !== undefined) {
    if (latest.version === version && equalBytes(latest.value, value)) return { view: seen, position };
    if (intent.kind !== "policy" && bindsAll(latest.value, intent)) return { view: seen, position, held: latest };
    if (latest.version >= version) return { view: seen, position: undefined };
  }
  await withdraw(context, intent, refusal.message);
  throw refusal;
}

/** Whether a list holds every credential that an intent adds. A pure revocation adds none, and is made again instead. */
function bindsAll(list: Uint8Array, { addition }: Intent): boolean {
  return addition !== undefined && addedIn(addition).every((id) => recordOf(list, id) !== undefined);
}

/** A search that is declined says nothing about what the log holds. */
async function showLogged<T>(asked: Promise<T>, fault: string): Promise<T> {
  return await asked.catch((cause: unknown) => {
    if (!(cause instanceof LogError) || cause.code !== "refused") throw cause;
    throw new LogError("unavailable", fault, { cause });
  });
}

async function withdraw(context: DriverContext, intent: Intent, reason: string): Promise<void> {
  await context.store.withdraw(intent, context.now(), {
    actor: "system",
    action: "intent-withdrawn",
    subject: intent.label,
    detail: { intent: intent.id, reason },
  });
}

async function proveLogged(log: TransparencyLog, label: string, version: number, value: Uint8Array) {
  // The log has taken the value: a refusal to show it is a fault of the log, never a reason to withdraw.
  const proof = await showLogged(log.prove(label), "the log does not show what it took");
  if (proof.version < version || (proof.version === version && !equalBytes(proof.value, value)))
    throw new LogError("proof-invalid", "the log shows another value than the one it took");
  return { request: proof.request, response: proof.response };
}

/** Runs a request to the log; what it does wrong becomes a problem, and an alarm where somebody must look. */
async function askLog<T>(context: DriverContext, intent: Intent, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const problem = logProblem(error);
    if (problem.code === "log-proof-invalid")
      context.alarm("log-proof-invalid", { label: intent.label, intent: intent.id, reason: problem.message });
    throw problem;
  }
}

/** The refusal that a caller sees for a fault of the log. */
export function logProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof LogError) {
    if (error.code === "unavailable" || error.code === "label-unknown")
      return new Problem("log-unavailable", "The log does not answer; nothing was signed.", {
        retryAfter: 5,
        cause: error,
      });
    if (error.code === "refused")
      return new Problem("log-refused", "The log declined the change; nothing was issued.", { cause: error });
    return new Problem("log-proof-invalid", "The log's proof does not verify; nothing was signed.", {
      retryAfter: 30,
      cause: error,
    });
  }
  if (error instanceof CodecError)
    return new Problem("log-proof-invalid", "The log holds something else than a device list for this user.", {
      cause: error,
    });
  throw error;
}

async function signIntent(context: DriverContext, intent: Intent): Promise<Intent> {
  const { store } = context;
  const credentials = await store.credentialsOf(intent.id);
  if (credentials.some(({ state }) => state === "revoked")) return await abandon(context, intent, REVOKED_MEANWHILE);
  const certificates = await signCredentials(context, intent, credentials);
  if (credentials.length > 0) failpoint("signed");
  const done = await store.markDone(intent.id, certificates, context.now(), {
    actor: "system",
    action: COMPLETED[intent.kind],
    subject: intent.label,
    detail: { intent: intent.id, version: intent.version, credentials: credentials.map(({ id }) => id) },
  });
  if (credentials.length > 0) failpoint("done");
  if (done) return { ...intent, state: "done" };
  const after = await reload(store, intent.id);
  // Revoked while it was being signed: the signature is thrown away.
  if (after.state === "logged") return await abandon(context, after, REVOKED_MEANWHILE);
  return after;
}

const REVOKED_MEANWHILE = "a credential was revoked before it was signed";

/**
 * Signs the certificates of an intent, having seen with its own eyes that the logged value binds their hashes. The signatures
 * are asked for side by side: a token has several sessions, and the uses of a key share an entry of the audit log.
 */
async function signCredentials(
  context: DriverContext,
  intent: Intent,
  credentials: readonly StoredCredential[],
): Promise<IssuedCertificate[]> {
  const issuers: IssuingCa[] = [];
  for (const credential of credentials) issuers.push(await issuerThatMaySign(context, intent, credential));
  const certificates = await Promise.all(
    credentials.map(({ tbs }, i) => signCertificate((issuers[i] as IssuingCa).key, tbs)),
  ).catch((cause: unknown) => {
    context.alarm("signer-unavailable", { issuers: [...new Set(issuers.map(({ id }) => id))], intent: intent.id });
    throw new Problem("signer-unavailable", "The issuing key cannot be used now.", { retryAfter: 10, cause });
  });
  const issued: IssuedCertificate[] = [];
  for (const [i, credential] of credentials.entries()) {
    const certificate = certificates[i] as Uint8Array;
    const flaw = await context.finalCheck(certificate, credential, issuers[i] as IssuingCa);
    if (flaw !== undefined) return await abandon(context, intent, `the certificate failed the last check: ${flaw}`);
    const thumbprint = toHex(createHash("sha256").update(certificate).digest());
    issued.push({ id: credential.id, certificate, thumbprint });
  }
  return issued;
}

async function issuerThatMaySign(
  context: DriverContext,
  intent: Intent,
  credential: StoredCredential,
): Promise<IssuingCa> {
  const hash = toHex(createHash("sha256").update(credential.tbs).digest());
  const record = recordOf(intent.value, hash);
  if (hash !== credential.id || record === undefined)
    throw new Problem("internal", "The logged list does not hold this certificate.");
  if (!equalBytes(record.spkiHash, fromHex(credential.spkiHash)))
    return await abandon(context, intent, "the log holds this certificate with another key");
  const issuer = context.issuers().find(({ id }) => id === credential.issuer);
  if (issuer === undefined) return await abandon(context, intent, "the issuing key is gone");
  if (credential.notAfter <= context.now()) return await abandon(context, intent, "the validity has passed");
  return issuer;
}

/** What was logged but can never be signed is revoked (cessationOfOperation), so that the log says so too. */
async function abandon(context: DriverContext, intent: Intent, reason: string): Promise<never> {
  context.alarm("intent-abandoned", { label: intent.label, intent: intent.id, reason });
  await context.store.abandon(intent.id, context.now(), {
    actor: "system",
    action: "intent-abandoned",
    subject: intent.label,
    detail: { intent: intent.id, reason },
  });
  throw new Problem("issuance-withdrawn", "The request was logged but can no longer be signed; it is being revoked.");
}

async function reload(store: Store, id: string): Promise<Intent> {
  const intent = await store.intent(id);
  if (intent === undefined) throw new Error(`intent ${id} is gone`);
  return intent;
}
