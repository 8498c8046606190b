import {
  type DeviceEvidence,
  defaultPolicy,
  encodePolicy,
  parseCertificate,
  preparePolicy,
  tbsCertificateHash,
  toBase64Url,
} from "@mls-as/mls-credentials";
import {
  createTsMls2AuthenticationService,
  type MemberVerdict,
  rosterOf,
  sightTsMls2Group,
} from "@mls-as/mls-credentials/ts-mls-2";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type CiphersuiteImpl,
  createCommit,
  createGroup,
  type Credential,
  defaultCredentialTypes,
  defaultExtensionTypes,
  defaultProposalTypes,
  generateKeyPackageWithKey,
  getCiphersuiteImpl,
  joinGroup,
  type KeyPackage,
} from "ts-mls-2";
import { beforeAll, describe, expect, it } from "vitest";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import {
  ALICE,
  type ExampleKey,
  exampleKey,
  LOG_ID,
  listOf,
  PHONE,
  recordOf,
  START,
} from "../conformance/example-devices.js";

const BOB = "mimi://example.org/u/bob";
const TABLET = "mimi://example.org/d/bob/tablet";
const ED25519 = 0x0807;

/** Groups of ts-mls 2.0 as published, with the adapter as its authentication service. */
describe("ts-mls 2.0", () => {
  let suite: CiphersuiteImpl;
  let members: Awaited<ReturnType<typeof world>>;
  const verdicts: MemberVerdict[] = [];

  async function world() {
    const root = await exampleRoot();
    const issuer = await exampleIssuer(root);
    const anchors = [toBase64Url(root.certificate)];
    const logId = toBase64Url(LOG_ID);
    const policy = preparePolicy(encodePolicy(defaultPolicy({ "example.org": { anchors, logId } })));
    const enrolled = async (serial: string, key: ExampleKey, user: string, client: string) => {
      const leaf = await exampleLeaf({ serial, issuer, key, names: [user, client] });
      const record = {
        ...recordOf({ certificate: serial, key, notBefore: START }),
        tbsCertificateHash: tbsCertificateHash(parseCertificate(leaf)),
      };
      const devices: DeviceEvidence = {
        list: {
          ...listOf(0, "enrolment", [{ client, addedAt: BigInt(START), credentials: [record] }]),
          identity: user,
        },
        logId: LOG_ID,
        position: 3,
        provenAt: START + 10,
        source: "search",
      };
      return { key, devices, certificates: [leaf, issuer.certificate] };
    };
    return {
      policy,
      alice: await enrolled("1", exampleKey("phone"), ALICE, PHONE),
      bob: await enrolled("2", exampleKey("tablet"), BOB, TABLET),
    };
  }
  beforeAll(async () => {
    suite = await getCiphersuiteImpl("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519");
    members = await world();
  });

  const contextFor = (users: readonly string[]) => ({
    cipherSuite: suite,
    authService: createTsMls2AuthenticationService({
      policy: members.policy,
      provider: nodeProvider,
      signatureScheme: ED25519,
      roster: rosterOf(users),
      devices: (user) => (user === ALICE ? members.alice.devices : members.bob.devices),
      time: () => ({ time: START + 10, timeSource: "local" }),
      onVerdict: (verdict) => verdicts.push(verdict),
    }),
  });
  const keyPackageOf = async ({ key, certificates }: typeof members.alice, credential?: Credential) =>
    await generateKeyPackageWithKey({
      credential: credential ?? { credentialType: defaultCredentialTypes.x509, certificates },
      signatureKeyPair: { signKey: key.privateKey, publicKey: key.publicKey },
      cipherSuite: suite,
    });
  const groupOfAlice = async (
    users: readonly string[],
    extensions: Parameters<typeof createGroup>[0]["extensions"] = [],
  ) => {
    const { publicPackage, privatePackage } = await keyPackageOf(members.alice);
    const context = contextFor(users);
    const groupId = Uint8Array.of(1);
    const state = await createGroup({
      context,
      groupId,
      keyPackage: publicPackage,
      privateKeyPackage: privatePackage,
      extensions,
    });
    return { context, state };
  };
  const add = async ({ context, state }: Awaited<ReturnType<typeof groupOfAlice>>, keyPackage: KeyPackage) =>
    await createCommit({
      context,
      state,
      extraProposals: [{ proposalType: defaultProposalTypes.add, add: { keyPackage } }],
      ratchetTreeExtension: true,
    });

  it("members of the roster with logged credentials add and join", async () => {
    const bob = await keyPackageOf(members.bob);
    const { welcome, newState } = await add(await groupOfAlice([ALICE, BOB]), bob.publicPackage);
    verdicts.length = 0;
    const joined = await joinGroup({
      context: contextFor([ALICE, BOB]),
      welcome: (welcome as NonNullable<typeof welcome>).welcome,
      keyPackage: bob.publicPackage,
      privateKeys: bob.privatePackage,
    });
    expect(joined.groupContext.epoch).toBe(newState.groupContext.epoch);
    expect(new Set(verdicts.map(({ accepted, presented }) => `${accepted} ${presented?.client}`))).toEqual(
      new Set([`true ${PHONE}`, `true ${TABLET}`]),
    );
  });

  it("a stranger is not added, and a roster without the founder is not joined", async () => {
    const bob = await keyPackageOf(members.bob);
    await expect(add(await groupOfAlice([ALICE]), bob.publicPackage)).rejects.toThrow();
    expect(verdicts.at(-1)).toMatchObject({ accepted: false, refused: "not-on-roster", presented: { client: TABLET } });
    const { welcome } = await add(await groupOfAlice([ALICE, BOB]), bob.publicPackage);
    const joining = joinGroup({
      context: contextFor([BOB]),
      welcome: (welcome as NonNullable<typeof welcome>).welcome,
      keyPackage: bob.publicPackage,
      privateKeys: bob.privatePackage,
    });
    await expect(joining).rejects.toThrow();
  });

  it("other credential types and other people's certificates are refused", async () => {
    const group = await groupOfAlice([ALICE, BOB]);
    const basic = { credentialType: defaultCredentialTypes.basic, identity: new TextEncoder().encode(BOB) };
    await expect(add(group, (await keyPackageOf(members.bob, basic)).publicPackage)).rejects.toThrow();
    expect(verdicts.at(-1)).toMatchObject({ refused: "not-x509" });
    const stolen = { credentialType: defaultCredentialTypes.x509, certificates: members.alice.certificates };
    await expect(add(group, (await keyPackageOf(members.bob, stolen)).publicPackage)).rejects.toThrow();
    expect(verdicts.at(-1)?.acceptance?.reasons.map(({ code }) => code)).toContain("profile-key-mismatch");
  });

  it("external senders are judged like members", async () => {
    const senderFrom = (credential: Credential) => ({
      extensionType: defaultExtensionTypes.external_senders,
      extensionData: { signaturePublicKey: members.bob.key.publicKey, credential },
    });
    const x509 = { credentialType: defaultCredentialTypes.x509, certificates: members.bob.certificates };
    const proposal = (credential: Credential) => ({
      proposalType: defaultProposalTypes.group_context_extensions,
      groupContextExtensions: { extensions: [senderFrom(credential)] },
    });
    const { context, state } = await groupOfAlice([ALICE, BOB]);
    const accepted = await createCommit({ context, state, extraProposals: [proposal(x509)] });
    expect(accepted.newState.groupContext.extensions).toHaveLength(1);
    const basic = { credentialType: defaultCredentialTypes.basic, identity: new TextEncoder().encode("server") };
    await expect(createCommit({ context, state, extraProposals: [proposal(basic)] })).rejects.toThrow();
  });

  it("the detector sights its members", async () => {
    const bob = await keyPackageOf(members.bob);
    const group = await groupOfAlice([ALICE, BOB]);
    const { newState } = await add(group, bob.publicPackage);
    // Adding alone needs no path; a commit of nothing gives the committer a new leaf.
    const updated = await createCommit({ context: group.context, state: newState });
    const event = sightTsMls2Group(updated.newState, {
      roster: rosterOf([ALICE]),
      signatureScheme: ED25519,
      at: START,
      current: true,
    });
    expect(event).toMatchObject({ type: "tree", group: "01", epoch: 2 });
    expect(event.leaves).toMatchObject([
      { leafIndex: 0, source: "commit", reference: ALICE, client: PHONE, keyMatches: true },
      { leafIndex: 1, source: "key_package", reference: "", client: TABLET, keyMatches: true },
    ]);
  });
});
