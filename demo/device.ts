import { generateKeyPairSync } from "node:crypto";
import { nodeSuite } from "@mls-as/keytrans/node";
import { nobleProvider } from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type Finding,
  GhostDetector,
  labelledSigner,
  type PreparedPolicy,
  spkiHash,
  userOfClient,
} from "@mls-as/mls-credentials";
import {
  approveDevice,
  type DeviceKey,
  type EnrolledCredential,
  type EnrolmentProof,
  enrol,
  type LogClient,
  openLog,
  type ProvenList,
  type ServiceDirectory,
} from "@mls-as/mls-credentials/client";
import {
  createTsMlsAuthenticationService,
  type MemberVerdict,
  rosterOf,
  sightTsMlsGroup,
} from "@mls-as/mls-credentials/ts-mls";
import type { AuthenticationService } from "ts-mls";
import { MlsClient, type SignatureKeyPair } from "./mls-client.js";

const ED25519 = 0x0807;
const suite = (id: number) => nodeSuite(id as 1 | 2);
const seconds = (): number => Math.floor(Date.now() / 1000);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A fresh signature key. The private part never leaves the device. */
export function generateKeys(): SignatureKeyPair & { readonly spki: Uint8Array } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { d = "" } = privateKey.export({ format: "jwk" });
  const { x = "" } = publicKey.export({ format: "jwk" });
  return {
    signKey: new Uint8Array(Buffer.from(d, "base64url")),
    publicKey: new Uint8Array(Buffer.from(x, "base64url")),
    spki: new Uint8Array(publicKey.export({ format: "der", type: "spki" })),
  };
}

/** One device of one person: its keys, its view of the log, its ghost detector, its MLS client. */
export class Device {
  readonly client: string;
  readonly user: string;
  readonly keys = generateKeys();
  readonly detector: GhostDetector;
  readonly verdicts: MemberVerdict[] = [];
  readonly #directory: ServiceDirectory;
  readonly #policy: PreparedPolicy;
  readonly #log: LogClient;
  readonly #lists = new Map<string, ProvenList>();
  #mls: MlsClient | undefined;

  private constructor(client: string, directory: ServiceDirectory, policy: PreparedPolicy, log: LogClient) {
    this.client = client;
    this.user = userOfClient(client);
    this.#directory = directory;
    this.#policy = policy;
    this.#log = log;
    this.detector = new GhostDetector({
      self: this.user,
      ownKeys: [{ client, spkiHash: spkiHash(this.keys.spki) }],
      policy: policy.policy,
      provider: nodeProvider,
      logId: directory.log.logId,
    });
  }

  static async create(client: string, directory: ServiceDirectory, policy: PreparedPolicy): Promise<Device> {
    return new Device(client, directory, policy, await openLog({ ...directory.log, suite }));
  }

  get mls(): MlsClient {
    if (this.#mls === undefined) throw new Error(`${this.client} has not enrolled`);
    return this.#mls;
  }

  /** Gets a credential; the answer is refused unless the log proves that it was logged. */
  async enrol(service: string, proof: EnrolmentProof): Promise<EnrolledCredential> {
    const key: DeviceKey = {
      subjectPublicKeyInfo: this.keys.spki,
      sign: (message) => nobleProvider.sign(ED25519, this.keys.signKey, message),
    };
    const { user, client } = this;
    const enrolment = await enrol({
      service,
      log: this.#directory.log,
      user,
      client,
      keys: [key],
      proof,
      suite,
    });
    const [credential] = enrolment.credentials;
    if (credential === undefined) throw new Error("no credential was issued");
    this.#mls = await MlsClient.create(credential.certificates, this.keys);
    return credential;
  }

  /** Vouches for another device of the same user, whose client URI and key were compared by eye or scanned. */
  async approve(other: Device): Promise<Uint8Array> {
    const { list } = await this.lookup(this.user);
    const approval = await approveDevice({
      logId: this.#directory.log.logId,
      client: other.client,
      subjectPublicKeyInfo: other.keys.spki,
      approver: this.client,
      approverSubjectPublicKeyInfo: this.keys.spki,
      sign: labelledSigner(nodeProvider, ED25519, this.keys.signKey),
      afterVersion: list.version,
      expiresAt: seconds() + 600,
    });
    await other.confirm(this);
    return approval;
  }

  /** The user says on this device: that one is mine. Comparing went both ways when one approved the other. */
  async confirm(other: Device): Promise<void> {
    await this.detector.observe({
      type: "confirm-device",
      at: seconds(),
      client: other.client,
      spkiHash: hex(spkiHash(other.keys.spki)),
    });
  }

  /** Asks the log for a user's devices, verifies the proof, and shows the list to the detector. */
  async lookup(user: string): Promise<ProvenList> {
    const proven = await this.#log.lookup(user);
    this.#lists.set(user, proven);
    const { version, value } = { version: proven.list.version, value: proven.value };
    const { provenAt, proof } = proven;
    await this.detector.observe({ type: "device-list", at: seconds(), user, version, value, provenAt, proof });
    return proven;
  }

  /** The hook for a group of the given users. Judges by lists that were proven before: it does not ask the network. */
  authenticationService(users: readonly string[], policy = this.#policy): AuthenticationService {
    return createTsMlsAuthenticationService({
      policy,
      provider: nodeProvider,
      signatureScheme: ED25519,
      roster: rosterOf(users),
      devices: (user) => this.#lists.get(user),
      time: () => ({ time: seconds(), timeSource: "local" }),
      onVerdict: (verdict) => {
        this.verdicts.push(verdict);
      },
    });
  }

  /** Shows the group's members as they are now to the detector. */
  async look(users: readonly string[], mls: MlsClient = this.mls): Promise<void> {
    const roster = rosterOf(users);
    const at = seconds();
    await this.detector.observe(sightTsMlsGroup(mls.state, { roster, signatureScheme: ED25519, at, current: true }));
  }

  /** Findings that still stand, worst first. */
  findings(kind: Finding["kind"]): Finding[] {
    return this.detector.findings().filter((finding) => finding.kind === kind && finding.life !== "resolved");
  }

  /** Another MLS client of this device, for a further group. */
  async anotherClient(credential: EnrolledCredential): Promise<MlsClient> {
    return await MlsClient.create(credential.certificates, this.keys);
  }
}
