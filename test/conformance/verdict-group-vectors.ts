import { encode } from "@mls-as/tls-codec";
import { ExternalSenders, ExtensionType, GroupContext, type LeafNode, RatchetTree } from "@mls-as/mls-core";
import {
  type AuthPin,
  defaultPolicy,
  encodeAuthPins,
  encodeDeviceList,
  encodePolicy,
  parseCertificate,
  policyDigest,
  tbsCertificateHash,
  toBase64Url,
  type ValidationPolicy,
} from "@mls-as/mls-credentials";
import { exampleIssuer, exampleLeaf, exampleRoot } from "./example-certificates.js";
import {
  ALICE,
  DAY,
  type ExampleKey,
  exampleKey,
  listOf,
  LOG_ID,
  PHONE,
  recordOf,
  START as T,
} from "./example-devices.js";
import type { EvidenceCase } from "./verdict-evidence.js";
import type { GroupCase, PinCase } from "./verdict-groups.js";
import { hex } from "./wire-json.js";

const BOB = "mimi://example.org/u/bob";
const BOB_PHONE = "mimi://example.org/d/bob/phone";
const NOW = T + 2 * DAY;
const GROUP_ID = Uint8Array.of(0xaa);

/** Groups by their bytes, and changes of their pins. */
export async function groupVectors(): Promise<{
  description: string;
  policy: Partial<ValidationPolicy>;
  groups: GroupCase[];
  pins: PinCase[];
}> {
  const root = await exampleRoot();
  const issuer = await exampleIssuer(root);
  const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(LOG_ID) } };
  const [alicesKey, bobsKey] = [exampleKey("phone"), exampleKey("bob")];
  const issue = (user: string, client: string, key: ExampleKey) =>
    exampleLeaf({ serial: client, issuer, key, names: [user, client] });
  const [alices, bobs] = [await issue(ALICE, PHONE, alicesKey), await issue(BOB, BOB_PHONE, bobsKey)];
  const evidence = (user: string, client: string, key: ExampleKey, certificate: Uint8Array): EvidenceCase => {
    const { notBefore, notAfter } = parseCertificate(certificate);
    const record = {
      ...recordOf({ certificate: client, key, notBefore, notAfter }),
      tbsCertificateHash: tbsCertificateHash(parseCertificate(certificate)),
    };
    const list = listOf(0, "enrolment", [{ client, addedAt: BigInt(T), credentials: [record] }], undefined, user);
    return { value: hex(encodeDeviceList(list)), version: 0, log_id: hex(LOG_ID), position: 9, proven_at: NOW };
  };
  const x509 = (certificate: Uint8Array) =>
    ({ credentialType: "x509", certificates: [certificate, issuer.certificate] }) as const;
  const leaf = (certificate: Uint8Array, key: ExampleKey, changes: Partial<LeafNode> = {}): LeafNode =>
    ({
      encryptionKey: new Uint8Array(32).fill(1),
      signatureKey: key.publicKey,
      credential: x509(certificate),
      capabilities: { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [2] },
      leafNodeSource: "keyPackage",
      lifetime: { notBefore: BigInt(T), notAfter: BigInt(T + 30 * DAY) },
      extensions: [],
      signature: new Uint8Array(64),
      ...changes,
    }) as LeafNode;
  const tree = (...leaves: readonly LeafNode[]): string =>
    hex(
      encode(
        RatchetTree,
        leaves.flatMap((leafNode, i) => [...(i === 0 ? [] : [undefined]), { nodeType: "leaf" as const, leafNode }]),
      ),
    );
  const contextOf = (changes: Partial<GroupContext> = {}): string =>
    hex(
      encode(GroupContext, {
        version: 1,
        cipherSuite: 1,
        groupId: GROUP_ID,
        epoch: 3n,
        treeHash: new Uint8Array(32),
        confirmedTranscriptHash: new Uint8Array(32),
        extensions: [],
        ...changes,
      } as GroupContext),
    );
  const both = [leaf(alices, alicesKey), leaf(bobs, bobsKey)];
  const good = { accepted: true, refusals: [], warnings: [] };
  const group = (
    name: string,
    given: Partial<GroupCase> & { readonly leaves?: readonly LeafNode[] },
    expect: GroupCase["expect"],
  ): GroupCase => {
    const { leaves = both, ...more } = given;
    return {
      name,
      cipher_suite: 1,
      group_id: hex(GROUP_ID),
      epoch: 3,
      ratchet_tree: tree(...leaves),
      roster: [ALICE, BOB],
      time: NOW,
      devices: {
        [ALICE]: evidence(ALICE, PHONE, alicesKey, alices),
        [BOB]: evidence(BOB, BOB_PHONE, bobsKey, bobs),
      },
      ...more,
      expect,
    };
  };
  const twice = [
    { leaf_index: 0, ...good },
    { leaf_index: 1, ...good },
  ];
  const second = (expected: Omit<GroupCase["expect"]["members"][number], "leaf_index">): GroupCase["expect"] => ({
    accepted: expected.accepted,
    members: [
      { leaf_index: 0, ...good },
      { leaf_index: 1, ...expected },
    ],
  });
  const refused = (...refusals: string[]) => second({ accepted: false, refusals });
  const extension = (extensionType: number, data: Uint8Array = new Uint8Array(0)) => ({
    extensionType,
    extensionData: data,
  });
  const sender = encode(ExternalSenders, [{ signatureKey: bobsKey.publicKey, credential: x509(bobs) }]);
  const updated = { leafNodeSource: "update" as const };
  const late = { policy: { longestStay: DAY, members: { ...defaultPolicy({}).members, expired: "warn" as const } } };

  const groups = [
    group("two members", {}, { accepted: true, reasons: [], members: twice }),
    group("with their context", { group_context: contextOf() }, { accepted: true, reasons: [], members: twice }),
    group("a member whom nobody expects", { roster: [ALICE] }, second({ accepted: false, refused: "not-on-roster" })),
    group(
      "a basic credential",
      {
        leaves: [
          both[0] as LeafNode,
          leaf(bobs, bobsKey, { credential: { credentialType: "basic", identity: Uint8Array.of(1) } }),
        ],
      },
      second({ accepted: false, refused: "not-x509" }),
    ),
    group(
      "bytes that are no certificate",
      { leaves: [both[0] as LeafNode, leaf(Uint8Array.of(0x30, 0), bobsKey)] },
      second({ accepted: false, refused: "malformed-certificate" }),
    ),
    group(
      "a leaf with another key",
      { leaves: [both[0] as LeafNode, leaf(bobs, alicesKey)] },
      refused("profile-key-mismatch"),
    ),
    group(
      "a member without evidence",
      { devices: { [ALICE]: evidence(ALICE, PHONE, alicesKey, alices) } },
      refused("evidence-unavailable"),
    ),
    group(
      "a member that stays too long",
      { leaves: [leaf(alices, alicesKey, updated), leaf(bobs, bobsKey)], time: T + 31 * DAY + 1, ...late },
      second({ accepted: true, warnings: ["stay-too-long"] }),
    ),
    group(
      "a member at the end of its longest stay",
      { leaves: [leaf(alices, alicesKey, updated), leaf(bobs, bobsKey)], time: T + 31 * DAY, ...late },
      second({ accepted: true, warnings: [] }),
    ),
    group(
      "a forbidden extension of a leaf",
      {
        leaves: [both[0] as LeafNode, leaf(bobs, bobsKey, { extensions: [extension(0xf0f0)] })],
        policy: { forbiddenExtensions: [0xf0f0] },
      },
      refused("forbidden-extension"),
    ),
    group(
      "a forbidden extension of the group",
      { group_context: contextOf({ extensions: [extension(0xf0f0)] }), policy: { forbiddenExtensions: [0xf0f0] } },
      { accepted: false, reasons: ["forbidden-extension"], members: twice },
    ),
    group(
      "a mandatory extension missing",
      { group_context: contextOf(), policy: { mandatoryExtensions: [6] } },
      { accepted: false, reasons: ["mandatory-extension-missing"], members: twice },
    ),
    group(
      "a cipher suite that the policy does not know",
      { group_context: contextOf(), policy: { cipherSuites: [2] } },
      { accepted: false, reasons: ["cipher-suite-not-allowed"], members: twice },
    ),
    group(
      "the context of another epoch",
      { group_context: contextOf({ epoch: 4n }) },
      { accepted: false, reasons: ["group-context-mismatch"], members: twice },
    ),
    group(
      "an external sender that the policy refuses",
      { group_context: contextOf({ extensions: [extension(ExtensionType.externalSenders, sender)] }) },
      { accepted: false, reasons: ["external-senders-not-allowed"], members: twice, external_senders: [good] },
    ),
    group(
      "an external sender that the policy takes",
      {
        group_context: contextOf({ extensions: [extension(ExtensionType.externalSenders, sender)] }),
        policy: { externalSenders: "x509" },
      },
      { accepted: true, reasons: [], members: twice, external_senders: [good] },
    ),
  ];

  const base = defaultPolicy(domains);
  const after = (before: ValidationPolicy, changes: Partial<ValidationPolicy>): ValidationPolicy => ({
    ...before,
    ...changes,
    sequence: before.sequence + 1,
    previous: toBase64Url(policyDigest(encodePolicy(before))),
  });
  const stronger = after(base, { longestStay: DAY });
  const weaker = after(stronger, { transparency: "advisory" });
  const pin = (changes: Partial<AuthPin> = {}, policy = base): string =>
    hex(
      encodeAuthPins({
        pins: [
          {
            domain: "example.org",
            policyDigest: policyDigest(encodePolicy(policy)),
            logId: LOG_ID,
            position: 8n,
            root: new Uint8Array(32).fill(8),
            ...changes,
          },
        ],
      }),
    );
  const change = (
    name: string,
    to: string | null,
    faults: readonly string[],
    more: Partial<PinCase> & { weakenings?: readonly string[] } = {},
  ): PinCase => {
    const { weakenings, ...given } = more;
    return {
      name,
      before: pin(),
      after: to,
      policies: [base, stronger, weaker],
      ...given,
      expect: { faults, ...(weakenings === undefined ? {} : { weakenings }) },
    };
  };
  const pins = [
    change("the first pins of a group", pin(), [], { before: null }),
    change("pins that stay", pin(), []),
    change("pins that advance", pin({ position: 9n, root: new Uint8Array(32) }), []),
    change("pins that go back", pin({ position: 7n }), ["position-decreased"]),
    change("another root for the same position", pin({ root: new Uint8Array(32) }), ["root-changed"]),
    change("another log", pin({ logId: new Uint8Array(32) }), ["log-changed"]),
    change("another domain instead", pin({ domain: "example.com" }), ["pin-removed"]),
    change("no pins any more", null, ["pin-removed"]),
    change("a policy that nobody knows", pin({ policyDigest: new Uint8Array(32) }), ["unknown-policy"]),
    change("a stronger policy", pin({}, stronger), []),
    change("a weaker policy", pin({}, weaker), ["weaker-policy"], { weakenings: ["transparency"] }),
    change("a weaker policy that a person accepted", pin({}, weaker), [], { accepted: [2] }),
    change("a policy whose predecessor is unknown", pin({}, weaker), ["unknown-policy"], { policies: [base, weaker] }),
    change("back to a policy of before", pin(), ["unknown-policy"], { before: pin({}, stronger) }),
  ];
  return { description: "Groups judged by their bytes, and changes of their pins.", policy: { domains }, groups, pins };
}
