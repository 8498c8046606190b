import type { ChangeOrigin } from "@mls-as/mls-credentials";
import type { CredentialState, Intent, IntentState, RevocationOrigin, StoredCredential } from "./store.js";

/** A plain Uint8Array of what a driver returned (drivers return Buffers). */
export function plainBytes(value: Uint8Array | null | undefined): Uint8Array | undefined {
  return value === null || value === undefined ? undefined : new Uint8Array(value);
}

export interface IntentRow {
  readonly id: string;
  readonly kind: "issue" | "revoke" | "policy";
  readonly label: string;
  readonly idempotency_key: string;
  readonly request_hash: string;
  readonly origin: ChangeOrigin;
  readonly addition: Uint8Array | null;
  readonly version: number;
  readonly value: Uint8Array;
  readonly state: IntentState;
  readonly position: number | null;
  readonly proof_request: Uint8Array | null;
  readonly proof_response: Uint8Array | null;
  readonly created_at: number;
}

export function intentFromRow(row: IntentRow | undefined): Intent | undefined {
  if (row === undefined) return undefined;
  const request = plainBytes(row.proof_request);
  const response = plainBytes(row.proof_response);
  return {
    id: row.id,
    kind: row.kind,
    label: row.label,
    idempotencyKey: row.idempotency_key,
    requestHash: row.request_hash,
    origin: row.origin,
    addition: plainBytes(row.addition),
    version: row.version,
    value: new Uint8Array(row.value),
    state: row.state,
    position: row.position ?? undefined,
    proof: request === undefined || response === undefined ? undefined : { request, response },
    createdAt: row.created_at,
  };
}

export interface CredentialRow {
  readonly id: string;
  readonly serial: string;
  readonly issuer: string;
  readonly user: string;
  readonly client: string;
  readonly spki_hash: string;
  readonly not_before: number;
  readonly not_after: number;
  readonly shard: number;
  readonly tbs: Uint8Array;
  readonly certificate: Uint8Array | null;
  readonly thumbprint: string | null;
  readonly proved_at: number;
  readonly state: CredentialState;
  readonly revoked_at: number | null;
  readonly reason: number | null;
  readonly revocation_origin: RevocationOrigin | null;
  readonly revocation_logged: number;
  readonly intent: string;
}

export function credentialFromRow(row: CredentialRow): StoredCredential {
  const { revoked_at: revokedAt, reason, revocation_origin: origin, revocation_logged: logged } = row;
  return {
    id: row.id,
    serial: row.serial,
    issuer: row.issuer,
    user: row.user,
    client: row.client,
    spkiHash: row.spki_hash,
    notBefore: row.not_before,
    notAfter: row.not_after,
    shard: row.shard,
    tbs: new Uint8Array(row.tbs),
    certificate: plainBytes(row.certificate),
    thumbprint: row.thumbprint ?? undefined,
    provedAt: row.proved_at,
    state: row.state,
    revocation:
      revokedAt === null || reason === null
        ? undefined
        : { revokedAt, reason, origin: origin ?? "operatorRevocation", logged: logged !== 0 },
    intent: row.intent,
  };
}
