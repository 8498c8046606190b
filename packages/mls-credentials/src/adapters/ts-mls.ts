import type { CryptoProvider } from "@mls-as/mls-core";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import type { DeviceEvidence, ReferenceIdentifier } from "../acceptance-basis.js";
import { bytesKey } from "../bytes-key.js";
import { CertificateError, mlsNames, parseCertificate, SignatureMemo } from "../certificate/index.js";
import type { GhostEvent, SightedLeaf } from "../ghost/ghost-event.js";
import type { PreparedPolicy } from "../prepared-policy.js";
import { sightOther, sightX509 } from "../sighting.js";
import type { Acceptance } from "../verdict.js";
import { judgeAcceptance } from "../verifier.js";

/** A ts-mls 1.x credential, as far as it is read here. */
export type TsMlsCredential =
  | { readonly credentialType: "x509"; readonly certificates: readonly Uint8Array[] }
  | { readonly credentialType: string };

/** The hook of ts-mls 1.x: it knows neither group nor member, so one service is made for each group. */
export interface TsMlsAuthenticationService {
  validateCredential(credential: TsMlsCredential, signaturePublicKey: Uint8Array): Promise<boolean>;
}

/** Names a certificate presents, for looking up whom the app expects. */
export interface PresentedNames {
  readonly user: string;
  readonly client: string;
}

/** The app's own word on who belongs to the group; undefined for those who do not. */
export type Roster = (presented: PresentedNames) => ReferenceIdentifier | undefined;

/** A roster that expects any device of the given users (user URIs). */
export function rosterOf(users: Iterable<string>): Roster {
  const expected = new Set(users);
  return ({ user }) => (expected.has(user) ? { user } : undefined);
}

export interface TsMlsServiceOptions {
  readonly policy: PreparedPolicy;
  readonly provider: CryptoProvider;
  /** TLS SignatureScheme of the group's cipher suite. */
  readonly signatureScheme: number;
  readonly roster: Roster;
  /** The device list of a user as proven by the log, from the app's cache or a lookup. */
  readonly devices: (user: string) => DeviceEvidence | undefined | Promise<DeviceEvidence | undefined>;
  /** The time to judge by, seconds since 1970: the pin's, or the local clock's. */
  readonly time: () => { readonly time: number; readonly timeSource: "pin" | "stated" | "local" };
  /** ts-mls makes NIST keys as compressed points, which RFC 9420 does not allow: read them as the point they mean (default), or refuse. */
  readonly compressedKeys?: "convert" | "refuse";
  /** Called with every decision, so that an app can show why. */
  readonly onVerdict?: (verdict: MemberVerdict) => void;
}

/** One decision of the hook. `acceptance` is absent when the credential was refused before it could be judged. */
export interface MemberVerdict {
  readonly accepted: boolean;
  readonly presented?: PresentedNames;
  readonly refused?: "not-x509" | "malformed-certificate" | "no-identity" | "not-on-roster" | "compressed-key";
  readonly acceptance?: Acceptance;
}

/** Makes the `authService` of a ts-mls `ClientConfig` for one group. External senders are judged like members. */
export function createTsMlsAuthenticationService(options: TsMlsServiceOptions): TsMlsAuthenticationService {
  const memo = new SignatureMemo();
  return {
    async validateCredential(credential, signaturePublicKey) {
      const verdict = await judgeMember(credential, signaturePublicKey, options, memo);
      options.onVerdict?.(verdict);
      return verdict.accepted;
    },
  };
}

function isX509(credential: TsMlsCredential): credential is Extract<TsMlsCredential, { certificates: unknown }> {
  return credential.credentialType === "x509" && "certificates" in credential;
}

async function judgeMember(
  credential: TsMlsCredential,
  signaturePublicKey: Uint8Array,
  options: TsMlsServiceOptions,
  memo: SignatureMemo,
): Promise<MemberVerdict> {
  const refuse = (refused: NonNullable<MemberVerdict["refused"]>): MemberVerdict => ({ accepted: false, refused });
  if (!isX509(credential)) return refuse("not-x509");
  const key = uncompressedKey(signaturePublicKey, options.signatureScheme);
  if (key !== signaturePublicKey && options.compressedKeys === "refuse") return refuse("compressed-key");
  const presented = presentedNames(credential.certificates[0]);
  if (typeof presented === "string") return refuse(presented);
  const reference = options.roster(presented);
  if (reference === undefined) return { ...refuse("not-on-roster"), presented };
  const devices = await options.devices(reference.user);
  const acceptance = await judgeAcceptance(
    { certificates: credential.certificates, signatureKey: key, signatureScheme: options.signatureScheme },
    reference,
    {
      policy: options.policy,
      provider: options.provider,
      ...options.time(),
      memo,
      ...(devices === undefined ? {} : { devices }),
    },
  );
  return { accepted: acceptance.accepted, presented, acceptance };
}

function presentedNames(leaf: Uint8Array | undefined): PresentedNames | "malformed-certificate" | "no-identity" {
  if (leaf === undefined) return "malformed-certificate";
  try {
    return mlsNames(parseCertificate(leaf)) ?? "no-identity";
  } catch (error) {
    if (error instanceof CertificateError) return "malformed-certificate";
    throw error;
  }
}

const CURVES = new Map([
  [0x0403, p256],
  [0x0503, p384],
  [0x0603, p521],
]);

/** The uncompressed form of a compressed NIST point; anything else is returned as it is, for the verifier to refuse. */
export function uncompressedKey(publicKey: Uint8Array, signatureScheme: number): Uint8Array {
  const curve = CURVES.get(signatureScheme);
  if (curve === undefined || (publicKey[0] !== 2 && publicKey[0] !== 3)) return publicKey;
  try {
    return curve.Point.fromBytes(publicKey).toBytes(false);
  } catch {
    return publicKey;
  }
}

/** The parts of a ts-mls 1.x `ClientState` that are read here. */
export interface TsMlsGroupState {
  readonly groupContext: { readonly groupId: Uint8Array; readonly epoch: bigint };
  readonly ratchetTree: readonly (
    | { readonly nodeType: "parent" }
    | {
        readonly nodeType: "leaf";
        readonly leaf: {
          readonly credential: TsMlsCredential;
          readonly signaturePublicKey: Uint8Array;
          readonly hpkePublicKey: Uint8Array;
          readonly leafNodeSource: "key_package" | "update" | "commit";
        };
      }
    | undefined
  )[];
}

/** A group's members as a `tree` event for the ghost detector. A member whom the roster does not expect conflicts by name. */
export function sightTsMlsGroup(
  state: TsMlsGroupState,
  options: {
    readonly roster: Roster;
    readonly signatureScheme: number;
    readonly at: number;
    readonly current: boolean;
  },
): Extract<GhostEvent, { type: "tree" }> {
  const leaves: SightedLeaf[] = [];
  state.ratchetTree.forEach((node, i) => {
    if (node?.nodeType !== "leaf") return;
    const { credential, leafNodeSource: source } = node.leaf;
    const key = uncompressedKey(node.leaf.signaturePublicKey, options.signatureScheme);
    const place = { leafIndex: i / 2, source, encryptionKey: bytesKey(node.leaf.hpkePublicKey) };
    if (!isX509(credential)) {
      const type = credential.credentialType === "basic" ? "basic" : "other";
      leaves.push({ ...sightOther(type, key, ""), ...place });
      return;
    }
    const names = presentedNames(credential.certificates[0]);
    const reference = typeof names === "string" ? undefined : options.roster(names)?.user;
    leaves.push({ ...sightX509(credential.certificates, key, reference ?? ""), ...place });
  });
  return {
    type: "tree",
    at: options.at,
    group: bytesKey(state.groupContext.groupId),
    epoch: Number(state.groupContext.epoch),
    current: options.current,
    leaves,
  };
}
