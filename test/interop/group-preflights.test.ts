import { decode, encode } from "@mls-as/tls-codec";
import {
  ExternalSenders,
  GroupContext,
  GroupInfo,
  MLSMessage,
  RatchetTree,
  tryDecodeExtension,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  type DeviceEvidence,
  defaultPolicy,
  encodePolicy,
  type GroupBasis,
  parseCertificate,
  preflightAdd,
  preflightJoin,
  preflightRejoin,
  preparePolicy,
  tbsCertificateHash,
  toBase64Url,
  type ValidationPolicy,
  verifyGroup,
} from "@mls-as/mls-credentials";
import { rosterOf } from "@mls-as/mls-credentials/ts-mls-2";
import {
  type CiphersuiteImpl,
  type ClientState,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPubAndRatchetTree,
  type Credential,
  defaultLifetime,
  defaultProposalTypes,
  encode as encodeTsMls,
  generateKeyPackageWithKey,
  getCiphersuiteImpl,
  joinGroupExternal,
  makeCustomExtension,
  mlsMessageEncoder,
  protocolVersions,
  unsafeTestingAuthenticationService,
  wireformats,
} from "ts-mls-2";
import { beforeAll, describe, expect, it } from "vitest";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import {
  ALICE,
  type ExampleKey,
  exampleKey,
  LAPTOP,
  LOG_ID,
  listOf,
  PHONE,
  recordOf,
} from "../conformance/example-devices.js";

const BOB = "mimi://example.org/u/bob";
const TABLET = "mimi://example.org/d/bob/tablet";
const NOW = Math.floor(Date.now() / 1000);
const DAY = 86_400;

interface Enrolled {
  readonly key: ExampleKey;
  readonly certificates: Uint8Array[];
}

/** What stands in front of an MLS library, on messages that one made. */
describe("preflights with policy and log", () => {
  let suite: CiphersuiteImpl;
  let people: Awaited<ReturnType<typeof world>>;

  async function world() {
    const root = await exampleRoot();
    const issuer = await exampleIssuer(root);
    const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) } };
    const devices = new Map<string, DeviceEvidence>();
    const enrol = async (user: string, ...named: [string, string, boolean][]): Promise<Enrolled[]> => {
      const records: DeviceEvidence["list"]["devices"][number][] = [];
      const enrolled: Enrolled[] = [];
      for (const [serial, client, logged] of named) {
        const key = exampleKey(client + serial);
        const times = { notBefore: NOW - DAY, notAfter: NOW + 30 * DAY };
        const leaf = await exampleLeaf({ serial, issuer, key, names: [user, client], ...times });
        const record = {
          ...recordOf({ certificate: serial, key, ...times }),
          tbsCertificateHash: tbsCertificateHash(parseCertificate(leaf)),
        };
        const same = records.find((device) => device.client === client);
        if (logged && same !== undefined)
          records.splice(records.indexOf(same), 1, { ...same, credentials: [...same.credentials, record] });
        else if (logged) records.push({ client, addedAt: BigInt(NOW - DAY), credentials: [record] });
        enrolled.push({ key, certificates: [leaf, issuer.certificate] });
      }
      const list = { ...listOf(0, "enrolment", records), identity: user };
      devices.set(user, { list, logId: LOG_ID, position: 3, provenAt: NOW, source: "search" });
      return enrolled;
    };
    const [phone, laptop, phoneAgain, ghost] = (await enrol(
      ALICE,
      ["1", PHONE, true],
      ["2", LAPTOP, true],
      ["3", PHONE, true],
      ["4", "mimi://example.org/d/alice/ghost", false],
    )) as [Enrolled, Enrolled, Enrolled, Enrolled];
    const [tablet] = (await enrol(BOB, ["5", TABLET, true])) as [Enrolled];
    const basis = (changes: Partial<ValidationPolicy> = {}, users = [ALICE, BOB]): GroupBasis => ({
      policy: preparePolicy(encodePolicy({ ...defaultPolicy(domains), ...changes })),
      provider: nodeProvider,
      roster: rosterOf(users),
      devices: (user) => devices.get(user),
      time: NOW,
      timeSource: "pin",
    });
    return { phone, laptop, phoneAgain, ghost, tablet, basis };
  }
  beforeAll(async () => {
    suite = await getCiphersuiteImpl("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519");
    people = await world();
  });

  const context = () => ({ cipherSuite: suite, authService: unsafeTestingAuthenticationService });
  const x509 = ({ certificates }: Enrolled): Credential => ({ credentialType: 2, certificates });
  const keyPackageOf = async (one: Enrolled, changes: { days?: number; extension?: number } = {}) => {
    const lifetime = { ...defaultLifetime(), notAfter: BigInt(NOW + (changes.days ?? 30) * DAY) };
    const custom = (extensionType: number) => makeCustomExtension({ extensionType, extensionData: new Uint8Array() });
    return await generateKeyPackageWithKey({
      credential: x509(one),
      signatureKeyPair: { signKey: one.key.privateKey, publicKey: one.key.publicKey },
      cipherSuite: suite,
      lifetime,
      ...(changes.extension === undefined ? {} : { extensions: [custom(changes.extension)] }),
    });
  };
  type KeyPackages = Awaited<ReturnType<typeof keyPackageOf>>;
  const keyPackageBytes = ({ publicPackage: keyPackage }: KeyPackages): Uint8Array =>
    encodeTsMls(mlsMessageEncoder, {
      version: protocolVersions.mls10,
      wireformat: wireformats.mls_key_package,
      keyPackage,
    });
  async function groupOf(founder: Enrolled, ...others: Enrolled[]): Promise<ClientState> {
    const { publicPackage: keyPackage, privatePackage: privateKeyPackage } = await keyPackageOf(founder);
    let state = await createGroup({ context: context(), groupId: Uint8Array.of(7), keyPackage, privateKeyPackage });
    for (const other of others) {
      const add = {
        proposalType: defaultProposalTypes.add,
        add: { keyPackage: (await keyPackageOf(other)).publicPackage },
      };
      ({ newState: state } = await createCommit({ context: context(), state, extraProposals: [add] }));
    }
    return state;
  }
  const groupInfoOf = async (state: ClientState) =>
    await createGroupInfoWithExternalPubAndRatchetTree(state, [], suite);
  const groupInfoBytes = async (state: ClientState): Promise<Uint8Array> =>
    encodeTsMls(mlsMessageEncoder, {
      version: protocolVersions.mls10,
      wireformat: wireformats.mls_group_info,
      groupInfo: await groupInfoOf(state),
    });
  const codes = (reasons: readonly { readonly code: string }[] | undefined): string[] =>
    (reasons ?? []).map(({ code }) => code);

  describe("before adding", () => {
    const add = async (one: Enrolled, basis = people.basis(), changes = {}) =>
      await preflightAdd(keyPackageBytes(await keyPackageOf(one, changes)), basis);

    it("a logged device of somebody expected", async () => {
      const { accepted, violations, judged } = await add(people.tablet);
      expect([accepted, violations]).toEqual([true, []]);
      expect(judged?.member.acceptance).toMatchObject({ standing: "valid", client: TABLET });
    });

    it("nobody who is not on the roster, not logged, or another's", async () => {
      const stranger = await add(people.tablet, people.basis({}, [ALICE]));
      expect([stranger.accepted, stranger.judged?.member.refused]).toEqual([false, "not-on-roster"]);
      const ghost = await add(people.ghost);
      expect([ghost.accepted, ghost.judged?.member.acceptance?.standing]).toEqual([false, "unlogged"]);
      const thief = await add({ ...people.ghost, certificates: people.phone.certificates });
      expect(codes(thief.judged?.member.acceptance?.reasons)).toContain("profile-key-mismatch");
    });

    it("no KeyPackage that lives too long, or brings what the policy forbids", async () => {
      const shorter = people.basis({ maximumLifetime: { certificate: 398 * DAY, keyPackage: 10 * DAY } });
      const long = await add(people.tablet, shorter);
      expect([long.accepted, codes(long.judged?.member.reasons)]).toEqual([false, ["key-package-lifetime"]]);
      expect((await add(people.tablet, shorter, { days: 9 })).accepted).toBe(true);
      const forbidding = people.basis({ forbiddenExtensions: [0xff01] });
      const extended = await add(people.tablet, forbidding, { extension: 0xff01 });
      expect([extended.accepted, codes(extended.judged?.member.reasons)]).toEqual([false, ["forbidden-extension"]]);
      const otherSuites = await add(people.tablet, people.basis({ cipherSuites: [2] }));
      expect(codes(otherSuites.judged?.member.reasons)).toEqual(["cipher-suite-not-allowed"]);
    });

    it("nothing that is no KeyPackage, and never throws", async () => {
      const bytes = keyPackageBytes(await keyPackageOf(people.tablet));
      for (const broken of [new Uint8Array(), bytes.subarray(1), bytes.subarray(0, -1)])
        expect((await preflightAdd(broken, people.basis())).accepted).toBe(false);
      const flipped = bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
      const { accepted, violations } = await preflightAdd(flipped, people.basis());
      expect([accepted, codes(violations)]).toEqual([false, ["invalid-signature"]]);
    });
  });

  describe("before joining", () => {
    const join = async (state: ClientState, basis = people.basis()) =>
      await preflightJoin(await groupInfoBytes(state), basis, { framing: "mls-message" });

    it("a group of expected, logged devices", async () => {
      const { accepted, violations, judged } = await join(await groupOf(people.phone, people.tablet));
      expect(judged?.accepted).toBe(true);
      expect(judged?.members.map(({ accepted: one }) => one)).toEqual([true, true]);
      // ts-mls writes the bare key where `HPKEPublicKey external_pub` has a length; that alone is wrong with its GroupInfos.
      expect(violations.map(({ path }) => path)).toEqual(["extensions.external_pub"]);
      expect(accepted).toBe(false);
    });

    it("not one with a ghost in it", async () => {
      const { accepted, judged } = await join(await groupOf(people.phone, people.ghost));
      expect([accepted, judged?.members.map(({ acceptance }) => acceptance?.standing)]).toEqual([
        false,
        ["valid", "unlogged"],
      ]);
    });

    it("not one whose context breaks the policy", async () => {
      const state = await groupOf(people.phone);
      expect(codes((await join(state, people.basis({ mandatoryExtensions: [6] }))).judged?.reasons)).toEqual([
        "mandatory-extension-missing",
      ]);
    });

    it("not one with external senders that the policy does not allow, or that nobody expects", async () => {
      const state = await groupOf(people.phone);
      const { groupInfo } = decode(MLSMessage, await groupInfoBytes(state)) as { groupInfo: GroupInfo };
      const tree = tryDecodeExtension(groupInfo.extensions, 2, RatchetTree);
      if (tree?.ok !== true) throw new Error("no tree");
      const credential = { credentialType: "x509", certificates: people.tablet.certificates } as const;
      const judge = async (extensionData: Uint8Array, basis: GroupBasis) => {
        // ts-mls writes one sender without the vector around it; this is what RFC 9420 says.
        const extensions = [...groupInfo.groupContext.extensions, { extensionType: 5, extensionData }];
        const groupContext = encode(GroupContext, { ...groupInfo.groupContext, extensions });
        const { groupId, epoch } = groupInfo.groupContext;
        return await verifyGroup(
          { ratchetTree: encode(RatchetTree, tree.value), groupId, epoch, cipherSuite: 1, groupContext },
          basis,
        );
      };
      const senders = encode(ExternalSenders, [{ signatureKey: people.tablet.key.publicKey, credential }]);
      const refusing = await judge(senders, people.basis());
      expect([refusing.accepted, codes(refusing.reasons)]).toEqual([false, ["external-senders-not-allowed"]]);
      const allowing = await judge(senders, people.basis({ externalSenders: "x509" }));
      expect([allowing.accepted, allowing.externalSenders.map(({ accepted }) => accepted)]).toEqual([true, [true]]);
      const unexpected = await judge(senders, people.basis({ externalSenders: "x509" }, [ALICE]));
      expect(unexpected.accepted).toBe(false);
      expect(unexpected.externalSenders).toEqual([{ accepted: false, refused: "not-on-roster" }]);
      const broken = await judge(Uint8Array.of(9), people.basis({ externalSenders: "x509" }));
      expect([broken.accepted, codes(broken.reasons)]).toEqual([false, ["external-senders-not-allowed"]]);
    });

    it("not by a GroupContext that is of another epoch than the tree", async () => {
      const { groupInfo } = decode(MLSMessage, await groupInfoBytes(await groupOf(people.phone))) as {
        groupInfo: GroupInfo;
      };
      const tree = tryDecodeExtension(groupInfo.extensions, 2, RatchetTree);
      if (tree?.ok !== true) throw new Error("no tree");
      const group = { ratchetTree: encode(RatchetTree, tree.value), cipherSuite: 1 };
      const { groupId, epoch } = groupInfo.groupContext;
      const groupContext = encode(GroupContext, groupInfo.groupContext);
      expect((await verifyGroup({ ...group, groupId, epoch, groupContext }, people.basis())).accepted).toBe(true);
      const wrong = await verifyGroup({ ...group, groupId, epoch: epoch + 1n, groupContext }, people.basis());
      expect([wrong.accepted, codes(wrong.reasons)]).toEqual([false, ["group-context-mismatch"]]);
    });
  });

  describe("before somebody rejoins", () => {
    const rejoin = async (state: ClientState, joiner: Enrolled, resync: boolean, basis = people.basis()) => {
      const groupInfo = await groupInfoOf(state);
      const { publicPackage: keyPackage, privatePackage: privateKeys } = await keyPackageOf(joiner);
      const { publicMessage } = await joinGroupExternal({
        context: context(),
        groupInfo,
        keyPackage,
        privateKeys,
        resync,
      });
      const bytes = encodeTsMls(mlsMessageEncoder, {
        version: protocolVersions.mls10,
        wireformat: wireformats.mls_public_message,
        publicMessage,
      });
      const info = (decode(MLSMessage, await groupInfoBytes(state)) as { groupInfo: GroupInfo }).groupInfo;
      const tree = tryDecodeExtension(info.extensions, 2, RatchetTree);
      if (tree?.ok !== true) throw new Error("no tree");
      return await preflightRejoin(bytes, { tree: tree.value, context: info.groupContext }, basis);
    };

    it("the device itself, in the place of its former leaf", async () => {
      const state = await groupOf(people.tablet, people.phone);
      const { accepted, violations, judged } = await rejoin(state, people.phone, true);
      expect([accepted, violations, judged?.removed]).toEqual([true, [], 1]);
    });

    it("another device of a member, and nobody else", async () => {
      const state = await groupOf(people.phone);
      expect((await rejoin(state, people.laptop, false)).accepted).toBe(true);
      const outsider = await rejoin(state, people.tablet, false);
      expect([outsider.accepted, codes(outsider.judged?.joiner.reasons)]).toEqual([
        false,
        ["external-join-not-allowed"],
      ]);
      expect((await rejoin(state, people.tablet, false, people.basis({ externalJoins: "any" }))).accepted).toBe(true);
      const closed = await rejoin(state, people.laptop, false, people.basis({ externalJoins: "refuse" }));
      expect(codes(closed.judged?.joiner.reasons)).toEqual(["external-join-not-allowed"]);
      expect((await rejoin(state, people.ghost, false)).judged?.joiner.acceptance?.standing).toBe("unlogged");
    });

    it("not a device whose former leaf would stay", async () => {
      const again = await rejoin(await groupOf(people.phone), people.phoneAgain, false);
      expect([again.accepted, codes(again.judged?.joiner.reasons)]).toEqual([false, ["invalid-successor"]]);
    });
  });
});
