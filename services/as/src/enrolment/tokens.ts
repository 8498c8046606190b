import { createHash, randomBytes } from "node:crypto";
import { toBase64Url, toHex } from "../binary-text.js";
import { Problem } from "../problem.js";
import type { AuditEvent, Store } from "../storage/store.js";
import type { EnrolledDevice } from "./enrolled-device.js";

/** How a token is remembered. Tokens are 256 random bits, so a plain hash cannot be inverted or guessed. */
export function tokenHash(token: string): string {
  return toHex(createHash("sha256").update("mls-as enrolment token\n").update(token).digest());
}

export interface IssuedToken {
  readonly token: string;
  readonly user: string;
  readonly client: string;
  readonly expiresAt: number;
}

/** Makes a one-time token for one client of one user. The token is shown here and never again. */
export async function issueToken(
  store: Store,
  request: { user: string; client: string; lifetime: number; actor: string },
  now: number,
): Promise<IssuedToken> {
  const { user, client, lifetime, actor } = request;
  const token = toBase64Url(randomBytes(32));
  const expiresAt = now + lifetime;
  const audit: AuditEvent = { actor, action: "token-issued", subject: user, detail: { client, expiresAt } };
  await store.addToken({ hash: tokenHash(token), user, client, expiresAt }, now, audit);
  return { token, user, client, expiresAt };
}

/**
 * Judges a token for a device, and its keys where the token came of an approval. Spending it is part of journaling the intent, so that two requests cannot both.
 *
 * @returns the hash to spend
 * @throws Problem `token-unknown`, `token-spent`, `token-expired`, `identity-mismatch`, `approval-mismatch`
 */
export async function checkToken(
  store: Store,
  token: string,
  device: Omit<EnrolledDevice, "spkis">,
  now: number,
): Promise<string> {
  const path = "enrolment.token";
  const hash = tokenHash(token);
  const known = await store.token(hash);
  if (known === undefined) throw new Problem("token-unknown", "The token is not known.", { path });
  if (known.spentAt !== undefined) throw new Problem("token-spent", "The token has been used.", { path });
  if (known.expiresAt <= now) throw new Problem("token-expired", "The token has expired.", { path });
  if (known.user !== device.user || known.client !== device.client)
    throw new Problem("identity-mismatch", "The token is for another identity.", { path, section: "HTTP" });
  const keys = device.spkiHashes.map(toHex);
  if (
    known.spkiHashes !== undefined &&
    (keys.length !== known.spkiHashes.length || keys.some((key) => !known.spkiHashes?.includes(key)))
  )
    throw new Problem("approval-mismatch", "Other keys were approved.", { path: "csrs" });
  return hash;
}
