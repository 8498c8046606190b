import { nobleProvider } from "@mls-as/mls-core";
import { type Finding, GhostDetector, type PreparedPolicy, spkiHash, userOfClient } from "@mls-as/mls-credentials";
import {
  type EnrolledCredential,
  enrol,
  type LogClient,
  openLog,
  policyOf,
  type ProvenList,
  readDirectory,
  type ServiceDirectory,
} from "@mls-as/mls-credentials/client";
import { makeSigningKey, type SigningKey } from "./device-key.js";

/** This device's identity: its key, its credential, what it knows of other people's devices, and its watch over ghosts. */
export class Account {
  readonly user: string;
  readonly client: string;
  readonly key: SigningKey;
  readonly credential: EnrolledCredential;
  readonly policy: PreparedPolicy;
  readonly detector: GhostDetector;
  readonly #log: LogClient;
  readonly #devices = new Map<string, ProvenList>();

  private constructor(
    client: string,
    key: SigningKey,
    credential: EnrolledCredential,
    directory: ServiceDirectory,
    log: LogClient,
  ) {
    this.client = client;
    this.user = userOfClient(client);
    this.key = key;
    this.credential = credential;
    this.policy = policyOf(directory);
    this.#log = log;
    this.detector = new GhostDetector({
      self: this.user,
      ownKeys: [{ client, spkiHash: spkiHash(key.deviceKey.subjectPublicKeyInfo) }],
      policy: this.policy.policy,
      provider: nobleProvider,
      logId: directory.log.logId,
    });
  }

  /**
   * Enrols this device with a one-time token. The credential is returned only if the log proves that it was logged.
   *
   * @throws ClientError
   */
  static async enrol(service: string, client: string, token: string): Promise<Account> {
    const directory = await readDirectory(service);
    const key = await makeSigningKey();
    const { credentials } = await enrol({
      service,
      log: directory.log,
      user: userOfClient(client),
      client,
      keys: [key.deviceKey],
      proof: { token },
    });
    const [credential] = credentials;
    if (credential === undefined) throw new Error("no credential was issued");
    return new Account(client, key, credential, directory, await openLog(directory.log));
  }

  /** Asks the log for all devices of a user; the answer counts only with its proof. @throws ClientError */
  async refresh(user: string): Promise<readonly string[]> {
    const proven = await this.#log.lookup(user);
    this.#devices.set(user, proven);
    const { list, value, provenAt, proof } = proven;
    await this.detector.observe({
      type: "device-list",
      at: seconds(),
      user,
      version: list.version,
      value,
      provenAt,
      proof,
    });
    return list.devices.map((device) => device.client);
  }

  /** What was proven last about a user's devices. */
  devicesOf(user: string): ProvenList | undefined {
    return this.#devices.get(user);
  }

  /** What a person should be told now, worst first. */
  alerts(): readonly Finding[] {
    return this.detector.findings().filter(({ life }) => life === "suspect" || life === "confirmed");
  }
}

export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
