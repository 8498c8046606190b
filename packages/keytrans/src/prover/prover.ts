import { encode } from "@mls-as/tls-codec";
import { KeytransError } from "../errors.js";
import { type Configuration, TreeHead, validateConfiguration, wireFormat } from "../structs/index.js";
import { answering, currentHead, type ProverSetting } from "./answer.js";
import { auditorCheckpoint, checkAuditorTreeHead } from "./auditor-head.js";
import { answerCredential, answerCredentialUpdate } from "./credential.js";
import type { ProverContext } from "./label-vrf.js";
import { answerContactMonitor, answerOwnerMonitor } from "./monitor.js";
import { answerDistinguished, answerOwnerInit } from "./owner.js";
import { answerSearch } from "./search.js";
import { answerManagerUpdate, answerUpdate, planManagerUpdate, planUpdate, type UpdatePlan } from "./update.js";

export interface ProverOptions extends ProverContext {
  readonly configuration: Configuration;
  /** How many rightmost distinguished entries count as recent; default 7. Clients must use the same number. */
  readonly recent?: number;
  /** Most ladders in one owner monitoring response; default 25. */
  readonly pageSize?: number;
}

/** Answers users. Requests and responses are the draft's TLS encodings. Every method throws `ProverError`. */
export interface Prover {
  search(request: Uint8Array): Promise<Uint8Array>;
  ownerInit(request: Uint8Array): Promise<Uint8Array>;
  contactMonitor(request: Uint8Array): Promise<Uint8Array>;
  ownerMonitor(request: Uint8Array): Promise<Uint8Array>;
  distinguished(request: Uint8Array): Promise<Uint8Array>;
  /** Makes a `Credential` for a label; takes a `CredentialRequest`. */
  credential(request: Uint8Array): Promise<Uint8Array>;
  /** Makes a `CredentialUpdate`; takes a `CredentialUpdateRequest`. */
  credentialUpdate(request: Uint8Array): Promise<Uint8Array>;
  /** Decides whether an update creates versions or is answered with later ones. */
  planUpdate(request: Uint8Array): Promise<UpdatePlan>;
  /** Answers an update whose change is persisted. */
  answerUpdate(request: Uint8Array): Promise<Uint8Array>;
  /** Third-party management: the same two steps for a `ManagerUpdateRequest`. */
  planManagerUpdate(request: Uint8Array): Promise<UpdatePlan>;
  answerManagerUpdate(request: Uint8Array): Promise<Uint8Array>;
  /** Third-party auditing: checks an `AuditorTreeHead` before it is stored with the head; gives its tree size. */
  checkAuditorTreeHead(auditorTreeHead: Uint8Array): Promise<number>;
  /** Third-party auditing: the newest tree as an `AuditorCheckpoint`, from which an auditor can begin. */
  auditorCheckpoint(): Promise<Uint8Array>;
  /** The newest `TreeHead`, encoded. */
  treeHead(): Promise<Uint8Array>;
}

/** @throws KeytransError invalid-configuration */
export function createProver(options: ProverOptions): Prover {
  const { configuration, suite } = options;
  validateConfiguration(configuration);
  if (configuration.ciphersuite !== suite.id)
    throw new KeytransError("invalid-configuration", "another cipher suite", "Cipher Suites", "ciphersuite");
  const setting: ProverSetting = { ...options, recent: options.recent ?? 7, wire: wireFormat(suite, configuration) };
  return {
    search: (request) => answering(() => answerSearch(setting, request)),
    ownerInit: (request) => answering(() => answerOwnerInit(setting, request)),
    contactMonitor: (request) => answering(() => answerContactMonitor(setting, request)),
    ownerMonitor: (request) => answering(() => answerOwnerMonitor(setting, request)),
    distinguished: (request) => answering(() => answerDistinguished(setting, request)),
    credential: (request) => answering(() => answerCredential(setting, request)),
    credentialUpdate: (request) => answering(() => answerCredentialUpdate(setting, request)),
    planUpdate: (request) => answering(() => planUpdate(setting, request)),
    answerUpdate: (request) => answering(() => answerUpdate(setting, request)),
    planManagerUpdate: (request) => answering(() => planManagerUpdate(setting, request)),
    answerManagerUpdate: (request) => answering(() => answerManagerUpdate(setting, request)),
    checkAuditorTreeHead: (bytes) => answering(() => checkAuditorTreeHead(setting, bytes)),
    auditorCheckpoint: () => answering(() => auditorCheckpoint(setting)),
    async treeHead() {
      const { treeSize, signature } = await currentHead(setting);
      return encode(TreeHead, { treeSize, signature });
    },
  };
}
