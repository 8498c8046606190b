import { nobleProvider } from "@mls-as/mls-core";
import {
  createTsMlsAuthenticationService,
  type MemberVerdict,
  rosterOf,
  sightTsMlsGroup,
} from "@mls-as/mls-credentials/ts-mls";
import {
  acceptAll,
  type AuthenticationService,
  type CiphersuiteImpl,
  type ClientConfig,
  type ClientState,
  createApplicationMessage,
  createCommit,
  createGroup,
  decodeMlsMessage,
  defaultCapabilities,
  defaultKeyPackageEqualityConfig,
  defaultKeyRetentionConfig,
  defaultLifetime,
  defaultLifetimeConfig,
  defaultPaddingConfig,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackageWithKey,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  processMessage,
} from "ts-mls";
import { type Account, seconds } from "./account.js";

const ED25519 = 0x0807;
const CIPHER_SUITE = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519";

/** One conversation between known people. What passes between devices is bytes, for any delivery service. */
export class Conversation {
  readonly #account: Account;
  readonly #users: readonly string[];
  readonly #suite: CiphersuiteImpl;
  readonly #keyPackage: Awaited<ReturnType<typeof generateKeyPackageWithKey>>;
  #state: ClientState | undefined;

  private constructor(
    account: Account,
    users: readonly string[],
    suite: CiphersuiteImpl,
    keyPackage: Awaited<ReturnType<typeof generateKeyPackageWithKey>>,
  ) {
    this.#account = account;
    this.#users = users;
    this.#suite = suite;
    this.#keyPackage = keyPackage;
  }

  /** @param users user URIs of everybody who is meant to be here; nobody else will be let in */
  static async prepare(account: Account, users: readonly string[]): Promise<Conversation> {
    const suite = await getCiphersuiteImpl(getCiphersuiteFromName(CIPHER_SUITE));
    const credential = { credentialType: "x509" as const, certificates: [...account.credential.certificates] };
    const { signKey, publicKey } = account.key;
    const keyPackage = await generateKeyPackageWithKey(
      credential,
      defaultCapabilities(),
      defaultLifetime,
      [],
      { signKey, publicKey },
      suite,
    );
    return new Conversation(account, users, suite, keyPackage);
  }

  /** To be uploaded for others to add this device by. */
  get keyPackage(): Uint8Array {
    const { publicPackage: keyPackage } = this.#keyPackage;
    return encodeMlsMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage });
  }

  async start(groupId: Uint8Array): Promise<void> {
    const { publicPackage, privatePackage } = this.#keyPackage;
    this.#state = await createGroup(groupId, publicPackage, privatePackage, [], this.#suite, await this.#config());
    await this.#look();
  }

  /** Adds a device by its KeyPackage, if it is who it should be; returns the Welcome for it. */
  async add(keyPackageMessage: Uint8Array): Promise<Uint8Array> {
    const message = decodeMlsMessage(keyPackageMessage, 0)?.[0];
    if (message?.wireformat !== "mls_key_package") throw new Error("not a KeyPackage");
    await this.#refresh();
    const { newState, welcome } = await createCommit(
      { state: this.#group, cipherSuite: this.#suite },
      {
        extraProposals: [{ proposalType: "add", add: { keyPackage: message.keyPackage } }],
        ratchetTreeExtension: true,
      },
    );
    this.#state = newState;
    await this.#look();
    if (welcome === undefined) throw new Error("a commit that adds comes with a Welcome");
    return encodeMlsMessage({ version: "mls10", wireformat: "mls_welcome", welcome });
  }

  /** Joins, if every member is who they should be. */
  async join(welcomeMessage: Uint8Array): Promise<void> {
    const message = decodeMlsMessage(welcomeMessage, 0)?.[0];
    if (message?.wireformat !== "mls_welcome") throw new Error("not a Welcome");
    const { publicPackage, privatePackage } = this.#keyPackage;
    this.#state = await joinGroup(
      message.welcome,
      publicPackage,
      privatePackage,
      emptyPskIndex,
      this.#suite,
      undefined,
      undefined,
      await this.#config(),
    );
    await this.#look();
  }

  async send(text: string): Promise<Uint8Array> {
    const { newState, privateMessage } = await createApplicationMessage(
      this.#group,
      new TextEncoder().encode(text),
      this.#suite,
    );
    this.#state = newState;
    return encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });
  }

  /** The text of a message; undefined when it changed the group instead. */
  async receive(bytes: Uint8Array): Promise<string | undefined> {
    const message = decodeMlsMessage(bytes, 0)?.[0];
    if (message?.wireformat !== "mls_private_message") throw new Error("not a message of this conversation");
    const result = await processMessage(message, this.#group, emptyPskIndex, acceptAll, this.#suite);
    this.#state = result.newState;
    if (result.kind === "applicationMessage") return new TextDecoder().decode(result.message);
    await this.#look();
    return undefined;
  }

  get #group(): ClientState {
    if (this.#state === undefined) throw new Error("not in the group yet");
    return this.#state;
  }

  async #refresh(): Promise<void> {
    for (const user of this.#users) await this.#account.refresh(user);
  }

  /** The MLS library asks this hook about every credential that it meets. */
  async #config(): Promise<ClientConfig> {
    await this.#refresh();
    const authService: AuthenticationService = createTsMlsAuthenticationService({
      policy: this.#account.policy,
      provider: nobleProvider,
      signatureScheme: ED25519,
      roster: rosterOf(this.#users),
      devices: (user) => this.#account.devicesOf(user),
      time: () => ({ time: seconds(), timeSource: "local" }),
      onVerdict: explainRefusal,
    });
    return {
      keyRetentionConfig: defaultKeyRetentionConfig,
      lifetimeConfig: defaultLifetimeConfig,
      keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
      paddingConfig: defaultPaddingConfig,
      authService,
    };
  }

  /** Shows the members to the ghost detector: after every change of the group. */
  async #look(): Promise<void> {
    await this.#account.detector.observe(
      sightTsMlsGroup(this.#group, {
        roster: rosterOf(this.#users),
        signatureScheme: ED25519,
        at: seconds(),
        current: true,
      }),
    );
  }
}

/** An app would show this; the reasons have codes, and sections of the specifications they come from. */
function explainRefusal({ accepted, presented, refused, acceptance }: MemberVerdict): void {
  if (accepted) return;
  const why = refused ?? acceptance?.reasons.map(({ code }) => code).join(", ");
  console.warn(`refused ${presented?.client ?? "a credential"}: ${why ?? "unknown"}`);
}
