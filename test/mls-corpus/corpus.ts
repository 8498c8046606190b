import { groupInfoCases } from "./group-info-cases.js";
import { keyPackageCases } from "./key-package-cases.js";
import { faultyKeyCases } from "./keys-at-fault.js";
import { leafNodeCases } from "./leaf-node-cases.js";
import { MAXIMUM_LIFETIME, member, NOW } from "./members.js";

/** A structure, and every distinct violation code that its check must report: none when it is valid. */
export interface CorpusCase {
  readonly name: string;
  readonly description: string;
  readonly structure: "KeyPackage" | "LeafNode" | "GroupInfo";
  readonly bytes: Uint8Array;
  /** Where a LeafNode stands. */
  readonly groupId?: Uint8Array;
  readonly leafIndex?: number;
  readonly codes: readonly string[];
}

const SUITES = { ed25519: 1, p256: 2, p384: 7, p521: 5 } as const;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** File name → content: the whole corpus, the same bytes in every run. */
export async function corpus(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const [name, suite] of Object.entries(SUITES)) {
    const who = await member(suite, "alice");
    const cases = [
      ...(await keyPackageCases(who)),
      ...(await faultyKeyCases(who)),
      ...(await leafNodeCases(who)),
      ...(await groupInfoCases(suite)),
    ];
    const list = cases.map(({ groupId, leafIndex, bytes, codes, ...rest }) => ({
      ...rest,
      cipher_suite: suite,
      now: Number(NOW),
      maximum_lifetime: Number(MAXIMUM_LIFETIME),
      ...(groupId === undefined ? {} : { group_id: hex(groupId), leaf_index: leafIndex }),
      codes: codes.toSorted(),
      encoded: hex(bytes),
    }));
    files.set(`mls-x509-${name}.json`, `${JSON.stringify(list, null, 1)}\n`);
  }
  return files;
}
