import {
  checkGroupInfo,
  checkKeyPackage,
  checkLeafNode,
  GroupInfo,
  KeyPackage,
  LeafNode,
  nobleProvider,
  type Violation,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { type Codec, encode, tryDecode } from "@mls-as/tls-codec";
import { type Case, type CaseKind, hex } from "./mls-case.js";

const PROVIDERS = { noble: nobleProvider, node: nodeProvider } as const;
type Provider = (typeof PROVIDERS)[keyof typeof PROVIDERS];

/** Distinct codes in order; "malformed" when the bytes do not decode. */
async function judge<T>(
  vector: Case,
  codec: Codec<T>,
  check: (value: T) => Promise<readonly Violation[]>,
): Promise<string[]> {
  const bytes = vector.bytes("encoded");
  const decoded = tryDecode(codec, bytes);
  if (!decoded.ok) return ["malformed"];
  vector.equal("encoded again", hex(encode(codec, decoded.value)), hex(bytes));
  return [...new Set((await check(decoded.value)).map(({ code }) => code))].toSorted();
}

function verdict(vector: Case, provider: Provider): Promise<string[]> {
  const cipherSuite = vector.integer("cipher_suite");
  const lifetime = {
    now: BigInt(vector.integer("now")),
    maximumLifetime: BigInt(vector.integer("maximum_lifetime")),
  };
  switch (vector.value("structure")) {
    case "KeyPackage":
      return judge(vector, KeyPackage, (value) => checkKeyPackage(provider, value, lifetime));
    case "LeafNode": {
      const position = { groupId: vector.bytes("group_id"), leafIndex: vector.integer("leaf_index") };
      return judge(vector, LeafNode, (value) => checkLeafNode(provider, cipherSuite, value, { ...lifetime, position }));
    }
    case "GroupInfo":
      return judge(vector, GroupInfo, (value) => checkGroupInfo(provider, value, lifetime));
    default:
      throw new Error("structure is none of KeyPackage, LeafNode, GroupInfo");
  }
}

/** `mls-x509`: structures with x509 credentials, valid or not: the distinct codes of all violations, by two providers. */
export const x509Corpus: CaseKind = {
  fields: [
    "name",
    "description",
    "structure",
    "cipher_suite",
    "now",
    "maximum_lifetime",
    "group_id",
    "leaf_index",
    "codes",
    "encoded",
  ],
  async check(vector) {
    const expected = vector.list("codes").join(", ");
    for (const [name, provider] of Object.entries(PROVIDERS))
      vector.equal(`codes (${name})`, (await verdict(vector, provider)).join(", "), expected);
  },
};
