import { createHash } from "node:crypto";
import { type CryptoProvider, SignatureScheme, signaturePublicKey } from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type Continuity,
  type CredentialRecord,
  type DeviceApproval,
  type DeviceApprovalTBS,
  type DeviceList,
  labelledSigner,
  NO_PREVIOUS_HASH,
  signContinuity,
  signDeviceApproval,
  spkiHash,
  writeSubjectPublicKeyInfo,
} from "@mls-as/mls-credentials";

export const ALICE = "mimi://example.org/u/alice";
export const PHONE = "mimi://example.org/d/alice/phone";
export const LAPTOP = "mimi://example.org/d/alice/laptop";
export const LOG_ID = digest("example log");
export const START = 1_767_225_600;
export const DAY = 86_400;

export function digest(text: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(text).digest());
}

/** A signature key that is the same in every run. */
export interface ExampleKey {
  readonly spki: Uint8Array;
  readonly spkiHash: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

export function exampleKey(name: string): ExampleKey {
  const privateKey = digest(`key of ${name}`);
  const publicKey = signaturePublicKey(SignatureScheme.ed25519, privateKey);
  const spki = writeSubjectPublicKeyInfo({ scheme: SignatureScheme.ed25519, publicKey }) as Uint8Array;
  return { spki, spkiHash: spkiHash(spki), publicKey, privateKey };
}

const signerOf = (key: ExampleKey, provider: CryptoProvider) =>
  labelledSigner(provider, SignatureScheme.ed25519, key.privateKey);

export interface ApprovalOf {
  readonly client: string;
  readonly key: ExampleKey;
  readonly approver: string;
  readonly approverKey: ExampleKey;
  readonly afterVersion: number;
  readonly expiresAt: number;
  readonly identity?: string;
  readonly changes?: Partial<DeviceApprovalTBS>;
}

export async function approvalOf(input: ApprovalOf, provider: CryptoProvider = nodeProvider): Promise<DeviceApproval> {
  return await signDeviceApproval(signerOf(input.approverKey, provider), {
    logId: LOG_ID,
    identity: input.identity ?? ALICE,
    client: input.client,
    spkiHash: input.key.spkiHash,
    approver: input.approver,
    approverSpki: input.approverKey.spki,
    signatureScheme: SignatureScheme.ed25519,
    afterVersion: input.afterVersion,
    expiresAt: BigInt(input.expiresAt),
    ...input.changes,
  });
}

export async function continuityOf(
  client: string,
  before: ExampleKey,
  after: ExampleKey,
  provider: CryptoProvider = nodeProvider,
): Promise<Continuity> {
  return await signContinuity(signerOf(before, provider), {
    logId: LOG_ID,
    client,
    oldSpki: before.spki,
    newSpkiHash: after.spkiHash,
    signatureScheme: SignatureScheme.ed25519,
  });
}

export interface RecordOf {
  readonly certificate: string;
  readonly key: ExampleKey;
  readonly notBefore: number;
  readonly notAfter?: number;
  readonly revokedAt?: number;
  readonly reason?: number;
  readonly approval?: DeviceApproval;
  readonly continuity?: Continuity;
}

export function recordOf(input: RecordOf): CredentialRecord {
  const { revokedAt } = input;
  return {
    tbsCertificateHash: digest(`certificate ${input.certificate}`),
    spkiHash: input.key.spkiHash,
    notBefore: BigInt(input.notBefore),
    notAfter: BigInt(input.notAfter ?? input.notBefore + 90 * DAY),
    ...(revokedAt === undefined
      ? { status: "active" as const }
      : { status: "revoked" as const, revokedAt: BigInt(revokedAt), reason: input.reason ?? 0 }),
    approval: input.approval,
    continuity: input.continuity,
  };
}

export function listOf(
  version: number,
  origin: DeviceList["origin"],
  devices: DeviceList["devices"],
  previousHash: Uint8Array = NO_PREVIOUS_HASH,
  identity = ALICE,
): DeviceList {
  return { format: 1, identity, version, previousHash, origin, devices };
}
