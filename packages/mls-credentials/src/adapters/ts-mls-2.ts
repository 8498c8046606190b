import type { GhostEvent } from "../ghost/ghost-event.js";
import {
  createTsMlsAuthenticationService,
  type Roster,
  sightTsMlsGroup,
  type TsMlsCredential,
  type TsMlsGroupState,
  type TsMlsServiceOptions,
} from "./ts-mls.js";

export {
  type MemberVerdict,
  type PresentedNames,
  type Roster,
  rosterOf,
  type TsMlsServiceOptions,
  uncompressedKey,
} from "./ts-mls.js";

/** A ts-mls 2.x credential, as far as it is read here: types are the numbers of RFC 9420. */
export interface TsMls2Credential {
  readonly credentialType: number;
  readonly certificates?: readonly Uint8Array[];
}

/** The hook of ts-mls 2.x, part of its `MlsContext`: it knows neither group nor member, so make one for each group. */
export interface TsMls2AuthenticationService {
  validateCredential(credential: TsMls2Credential, signaturePublicKey: Uint8Array): Promise<boolean>;
}

/** Makes the `authService` of a ts-mls 2.x `MlsContext` for one group. External senders are judged like members. */
export function createTsMls2AuthenticationService(options: TsMlsServiceOptions): TsMls2AuthenticationService {
  const service = createTsMlsAuthenticationService(options);
  return {
    validateCredential: (credential, signaturePublicKey) =>
      service.validateCredential(namedCredential(credential), signaturePublicKey),
  };
}

/** The parts of a ts-mls 2.x `ClientState` that are read here. */
export interface TsMls2GroupState {
  readonly groupContext: { readonly groupId: Uint8Array; readonly epoch: bigint };
  readonly ratchetTree: readonly (
    | { readonly nodeType: typeof PARENT }
    | {
        readonly nodeType: typeof LEAF;
        readonly leaf: {
          readonly credential: TsMls2Credential;
          readonly signaturePublicKey: Uint8Array;
          readonly hpkePublicKey: Uint8Array;
          readonly leafNodeSource: keyof typeof SOURCES;
        };
      }
    | undefined
  )[];
}

/** A group's members as a `tree` event for the ghost detector. A member whom the roster does not expect conflicts by name. */
export function sightTsMls2Group(
  state: TsMls2GroupState,
  options: {
    readonly roster: Roster;
    readonly signatureScheme: number;
    readonly at: number;
    readonly current: boolean;
  },
): Extract<GhostEvent, { type: "tree" }> {
  const ratchetTree = state.ratchetTree.map((node): TsMlsGroupState["ratchetTree"][number] => {
    if (node === undefined) return undefined;
    if (node.nodeType === PARENT) return { nodeType: "parent" };
    const { credential, signaturePublicKey, hpkePublicKey, leafNodeSource } = node.leaf;
    const leaf = {
      credential: namedCredential(credential),
      signaturePublicKey,
      hpkePublicKey,
      leafNodeSource: SOURCES[leafNodeSource],
    };
    return { nodeType: "leaf", leaf };
  });
  return sightTsMlsGroup({ groupContext: state.groupContext, ratchetTree }, options);
}

// Registries of RFC 9420: "MLS Credential Types", NodeType, LeafNodeSource.
const BASIC = 1;
const X509 = 2;
const LEAF = 1;
const PARENT = 2;
const SOURCES = { 1: "key_package", 2: "update", 3: "commit" } as const;

/** The credential by the names of 1.x. */
function namedCredential({ credentialType, certificates }: TsMls2Credential): TsMlsCredential {
  if (credentialType === X509 && certificates !== undefined) return { credentialType: "x509", certificates };
  return { credentialType: credentialType === BASIC ? "basic" : `type ${credentialType}` };
}
