import {
  acceptAll,
  type AuthenticationService,
  type CiphersuiteImpl,
  type ClientConfig,
  type ClientState,
  createApplicationMessage,
  createCommit,
  createGroup,
  defaultCapabilities,
  defaultKeyPackageEqualityConfig,
  defaultKeyRetentionConfig,
  defaultLifetime,
  defaultLifetimeConfig,
  defaultPaddingConfig,
  emptyPskIndex,
  generateKeyPackageWithKey,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  type KeyPackage,
  type MlsPrivateMessage,
  type MlsPublicMessage,
  type PrivateKeyPackage,
  processMessage,
  type Welcome,
} from "ts-mls";

export const CIPHER_SUITE = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519";

let implementation: Promise<CiphersuiteImpl> | undefined;
const cipherSuite = (): Promise<CiphersuiteImpl> => {
  implementation ??= getCiphersuiteImpl(getCiphersuiteFromName(CIPHER_SUITE));
  return implementation;
};

/** The MLS library's configuration with everything at its defaults but who is asked about credentials. */
function configure(authService: AuthenticationService): ClientConfig {
  return {
    keyRetentionConfig: defaultKeyRetentionConfig,
    lifetimeConfig: defaultLifetimeConfig,
    keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
    paddingConfig: defaultPaddingConfig,
    authService,
  };
}

export interface SignatureKeyPair {
  /** Raw 32-byte Ed25519 seed. */
  readonly signKey: Uint8Array;
  /** Raw 32-byte Ed25519 public key. */
  readonly publicKey: Uint8Array;
}

type Incoming = MlsPrivateMessage | MlsPublicMessage;

/** One device in one group, on ts-mls as published. */
export class MlsClient {
  #state: ClientState | undefined;
  readonly keyPackage: KeyPackage;
  readonly #privatePackage: PrivateKeyPackage;

  private constructor(keyPackage: KeyPackage, privatePackage: PrivateKeyPackage) {
    this.keyPackage = keyPackage;
    this.#privatePackage = privatePackage;
  }

  /** `certificates`: DER, leaf first, as the AS issued them. */
  static async create(certificates: readonly Uint8Array[], keys: SignatureKeyPair): Promise<MlsClient> {
    const { publicPackage, privatePackage } = await generateKeyPackageWithKey(
      { credentialType: "x509", certificates: [...certificates] },
      defaultCapabilities(),
      defaultLifetime,
      [],
      { signKey: keys.signKey, publicKey: keys.publicKey },
      await cipherSuite(),
    );
    return new MlsClient(publicPackage, privatePackage);
  }

  get state(): ClientState {
    if (this.#state === undefined) throw new Error("this client is in no group");
    return this.#state;
  }

  async createGroup(groupId: Uint8Array, authService: AuthenticationService): Promise<void> {
    this.#state = await createGroup(
      groupId,
      this.keyPackage,
      this.#privatePackage,
      [],
      await cipherSuite(),
      configure(authService),
    );
  }

  /** Adds members in one commit; returns what the delivery service carries. */
  async add(keyPackages: readonly KeyPackage[]): Promise<{ commit: Incoming; welcome: Welcome }> {
    const { newState, commit, welcome } = await createCommit(
      { state: this.state, cipherSuite: await cipherSuite() },
      {
        extraProposals: keyPackages.map((keyPackage) => ({ proposalType: "add", add: { keyPackage } })),
        ratchetTreeExtension: true,
      },
    );
    this.#state = newState;
    if (
      welcome === undefined ||
      (commit.wireformat !== "mls_private_message" && commit.wireformat !== "mls_public_message")
    )
      throw new Error("a commit that adds members comes with a Welcome");
    return { commit, welcome };
  }

  async join(welcome: Welcome, authService: AuthenticationService): Promise<void> {
    this.#state = await joinGroup(
      welcome,
      this.keyPackage,
      this.#privatePackage,
      emptyPskIndex,
      await cipherSuite(),
      undefined,
      undefined,
      configure(authService),
    );
  }

  async send(text: string): Promise<Incoming> {
    const { newState, privateMessage } = await createApplicationMessage(
      this.state,
      new TextEncoder().encode(text),
      await cipherSuite(),
    );
    this.#state = newState;
    return { wireformat: "mls_private_message", privateMessage };
  }

  /** Processes a commit or message; the text of an application message, undefined for a commit. */
  async receive(message: Incoming): Promise<string | undefined> {
    const result = await processMessage(message, this.state, emptyPskIndex, acceptAll, await cipherSuite());
    this.#state = result.newState;
    return result.kind === "applicationMessage" ? new TextDecoder().decode(result.message) : undefined;
  }
}
