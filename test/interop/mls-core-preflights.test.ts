import {
  checkKeyPackage,
  checkPublicMessage,
  diffMembers,
  type GroupContext,
  listMembers,
  MLSMessage,
  preflightExternalCommit,
  preflightGroupInfo,
  preflightKeyPackage,
  PublicMessage,
  type RatchetTree,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { decode, encode } from "@mls-as/tls-codec";
import {
  type CiphersuiteImpl,
  type ClientState,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPubAndRatchetTree,
  defaultCapabilities,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  generateKeyPackageWithKey,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroupExternal,
  processPublicMessage,
} from "ts-mls";
import { beforeAll, describe, expect, it } from "vitest";

let suite: CiphersuiteImpl;
const NOW = BigInt(Math.floor(Date.now() / 1000));

async function client(name: string) {
  const credential = { credentialType: "basic" as const, identity: new TextEncoder().encode(name) };
  return await generateKeyPackage(credential, defaultCapabilities(), defaultLifetime, [], suite);
}

/** The founder with the signature key it has in the group: by that ts-mls finds the leaf to replace. */
async function clientAgain(state: ClientState, name: string) {
  const node = state.ratchetTree[0];
  if (node?.nodeType !== "leaf") throw new Error("the founder is gone");
  const keys = { signKey: state.signaturePrivateKey, publicKey: node.leaf.signaturePublicKey };
  const credential = { credentialType: "basic" as const, identity: new TextEncoder().encode(name) };
  return await generateKeyPackageWithKey(credential, defaultCapabilities(), defaultLifetime, [], keys, suite);
}

function keyPackageMessage(keyPackage: Awaited<ReturnType<typeof client>>["publicPackage"]): Uint8Array {
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage });
}

async function groupInfoBytes(state: ClientState): Promise<Uint8Array> {
  const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(state, [], suite);
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_group_info", groupInfo });
}

/** The group as a third party with the GroupInfo sees it. */
async function observe(state: ClientState): Promise<{ tree: RatchetTree; context: GroupContext }> {
  const rule = { framing: "mls-message", externalCommit: true, now: NOW } as const;
  const verdict = await preflightGroupInfo(nodeProvider, await groupInfoBytes(state), rule);
  // ts-mls 1.6 writes the bare key where `HPKEPublicKey external_pub` has a length; that alone is wrong with its GroupInfos.
  expect(verdict.violations.filter(({ path }) => path !== "extensions.external_pub")).toEqual([]);
  const { groupInfo, tree } = verdict.value as { groupInfo: { groupContext: GroupContext }; tree: RatchetTree };
  return { tree, context: groupInfo.groupContext };
}

async function groupOf(...names: string[]): Promise<ClientState> {
  const [first, ...rest] = names as [string, ...string[]];
  const founder = await client(first);
  const groupId = new TextEncoder().encode("group");
  let state = await createGroup(groupId, founder.publicPackage, founder.privatePackage, [], suite);
  for (const name of rest) {
    const { publicPackage } = await client(name);
    const extraProposals = [{ proposalType: "add" as const, add: { keyPackage: publicPackage } }];
    ({ newState: state } = await createCommit({ state, cipherSuite: suite }, { extraProposals }));
  }
  return state;
}

async function externalCommit(state: ClientState, name: string, resync: boolean) {
  const joiner = resync ? await clientAgain(state, name) : await client(name);
  const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(state, [], suite);
  const { publicMessage, newState } = await joinGroupExternal(
    groupInfo,
    joiner.publicPackage,
    joiner.privatePackage,
    resync,
    suite,
  );
  const bytes = encodeMlsMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage });
  return { bytes, publicMessage, newState };
}

beforeAll(async () => {
  suite = await getCiphersuiteImpl(getCiphersuiteFromName("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"));
});

const names = (members: readonly { credential: unknown }[]): string[] =>
  members.map(({ credential }) => new TextDecoder().decode((credential as { identity: Uint8Array }).identity));

describe("what ts-mls makes", () => {
  it("KeyPackages pass; any flipped byte is noticed, and nothing throws", async () => {
    const { publicPackage } = await client("alice");
    const bytes = keyPackageMessage(publicPackage);
    const rule = { framing: "mls-message", now: NOW, cipherSuite: 1 } as const;
    expect((await preflightKeyPackage(nodeProvider, bytes, rule)).violations).toEqual([]);
    for (let i = 0; i < bytes.length; i++) {
      const flipped = bytes.map((byte, at) => (at === i ? byte ^ 0x01 : byte));
      expect((await preflightKeyPackage(nodeProvider, flipped, rule)).ok).toBe(false);
    }
  });

  it("groups of many shapes pass, and their changes are told with who did it", async () => {
    let state = await groupOf("alice", "bob", "carol", "dora", "emil");
    let before = await observe(state);
    expect(names(listMembers(before.tree))).toEqual(["alice", "bob", "carol", "dora", "emil"]);
    const remove = { proposalType: "remove" as const, remove: { removed: 2 } };
    ({ newState: state } = await createCommit({ state, cipherSuite: suite }, { extraProposals: [remove] }));
    const after = await observe(state);
    const committer = { senderType: "member", leafIndex: 0 } as const;
    const proposals = [{ proposal: { proposalType: "remove", removed: 2 }, sender: committer }] as const;
    const difference = diffMembers(before.tree, after.tree, { committer, proposals });
    expect(names(difference.removed.map(({ member }) => member))).toEqual(["carol"]);
    expect(difference.removed[0]?.by).toEqual({ proposer: committer, committer });
    expect(difference.added).toEqual([]);
    expect(difference.updated.map(({ before: was }) => was.leafIndex)).toEqual([0]);
    expect(difference.updated[0]?.by).toEqual({ proposer: committer, committer });

    before = after;
    const { publicPackage } = await client("frida");
    const extraProposals = [{ proposalType: "add" as const, add: { keyPackage: publicPackage } }];
    ({ newState: state } = await createCommit({ state, cipherSuite: suite }, { extraProposals }));
    const grown = diffMembers(before.tree, (await observe(state)).tree);
    expect(grown.added.map(({ member }) => member.leafIndex)).toEqual([2]);
    expect(grown.added[0]?.by).toBeUndefined();
  });

  it("commits of members verify against the epoch they were sent in, and not against another", async () => {
    const state = await groupOf("alice", "bob", "carol");
    const observed = await observe(state);
    const { commit } = await createCommit({ state, cipherSuite: suite }, { wireAsPublicMessage: true });
    const message = decode(MLSMessage, encodeMlsMessage(commit));
    if (message.wireFormat !== "publicMessage") throw new Error("not a public message");
    const { publicMessage } = message;
    expect(await checkPublicMessage(nodeProvider, publicMessage, observed)).toEqual([]);
    const later = { ...observed, context: { ...observed.context, epoch: observed.context.epoch + 1n } };
    const codes = (await checkPublicMessage(nodeProvider, publicMessage, later)).map(({ code }) => code);
    expect(codes).toEqual(["wrong-epoch", "invalid-signature"]);
    const content = { ...publicMessage.content, sender: { senderType: "member", leafIndex: 7 } } as const;
    const stranger = (await checkPublicMessage(nodeProvider, { ...publicMessage, content }, observed)).map(
      (v) => v.code,
    );
    expect(stranger).toEqual(["unknown-sender"]);
  });
});

describe("external commits of ts-mls", () => {
  it.each([1, 2, 3, 4, 5])("a join to a group of %i passes, and so does what follows", async (size) => {
    const state = await groupOf(...["alice", "bob", "carol", "dora", "emil"].slice(0, size));
    const observed = await observe(state);
    const { bytes, publicMessage } = await externalCommit(state, "zoe", false);
    const verdict = await preflightExternalCommit(nodeProvider, bytes, { ...observed, now: NOW });
    expect(verdict.violations).toEqual([]);
    expect(verdict.value?.leafIndex).toBe(size);
    const { newState } = await processPublicMessage(state, publicMessage, emptyPskIndex, suite);
    const after = await observe(newState);
    expect(names(listMembers(after.tree)).at(-1)).toBe("zoe");
  });

  it("a resync passes for the same client only", async () => {
    const state = await groupOf("alice", "bob", "carol");
    const observed = await observe(state);
    const { bytes } = await externalCommit(state, "alice", true);
    const verdict = await preflightExternalCommit(nodeProvider, bytes, observed);
    expect(verdict.violations.map(({ code }) => code)).toEqual([]);
    expect(verdict.value?.removed).toBe(0);
    const refused = await preflightExternalCommit(nodeProvider, bytes, { ...observed, sameClient: () => false });
    expect(refused.violations.map(({ code }) => code)).toEqual(["not-same-client"]);
  });

  it("tampering has its own codes", async () => {
    const state = await groupOf("alice", "bob", "carol");
    const observed = await observe(state);
    const { bytes } = await externalCommit(state, "zoe", false);
    const message = decode(MLSMessage, bytes);
    if (message.wireFormat !== "publicMessage" || message.publicMessage.content.contentType !== "commit")
      throw new Error("not a commit");
    const { publicMessage } = message;
    const { content } = message.publicMessage;
    type Commit = typeof content.commit;
    const judged = async (change: (commit: Commit) => Commit): Promise<string[]> => {
      const changed = { ...publicMessage, content: { ...content, commit: change(content.commit) } };
      const rule = { ...observed, framing: "raw" } as const;
      const verdict = await preflightExternalCommit(nodeProvider, encode(PublicMessage, changed), rule);
      return verdict.violations.map(({ code }) => code);
    };
    const proposal = (removed: number) =>
      ({ type: "proposal", proposal: { proposalType: "remove", removed } }) as const;
    const added =
      (...more: Commit["proposals"]) =>
      (commit: Commit) => ({ ...commit, proposals: [...commit.proposals, ...more] });
    expect(await judged(added(proposal(99)))).toContain("unknown-leaf");
    expect(await judged(added(proposal(2 ** 32 - 1)))).toContain("unknown-leaf");
    expect(await judged(added(proposal(1)))).toContain("not-same-client");
    expect(await judged(added(proposal(1), proposal(2)))).toContain("proposal-not-allowed");
    expect(await judged(added({ type: "reference", reference: new Uint8Array(32) }))).toContain("proposal-not-allowed");
    expect(await judged((commit) => ({ ...commit, proposals: [] }))).toContain("proposal-not-allowed");
    expect(await judged((commit) => ({ ...commit, path: undefined }))).toContain("missing-path");
    expect(await judged((commit) => ({ ...commit, path: commit.path && { ...commit.path, nodes: [] } }))).toContain(
      "invalid-path",
    );
  });
});

it("KeyPackages of another suite, expired ones and ones that live too long are named", async () => {
  const { publicPackage } = await client("alice");
  const verdict = await preflightKeyPackage(nodeProvider, keyPackageMessage(publicPackage), { framing: "mls-message" });
  if (verdict.value === undefined) throw new Error("does not decode");
  const codes = async (rule: Parameters<typeof checkKeyPackage>[2]): Promise<string[]> =>
    (await checkKeyPackage(nodeProvider, verdict.value as NonNullable<typeof verdict.value>, rule)).map((v) => v.code);
  expect(await codes({ cipherSuite: 3 })).toEqual(["cipher-suite-mismatch"]);
  expect(await codes({ maximumLifetime: 60n })).toEqual(["lifetime-too-long"]);
  expect(await codes({ now: 2n ** 64n - 1n })).toEqual(defaultLifetime.notAfter === 2n ** 64n - 1n ? [] : ["expired"]);
});
