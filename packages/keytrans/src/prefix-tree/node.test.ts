import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { decodePrefixNode, encodePrefixNode, NO_CHILD, PrefixNode } from "./node.js";

const value = (seed: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => (i * seed) & 255);

describe("stored prefix nodes", () => {
  it("are written and read as the codec defines them", () => {
    const nodes: PrefixNode[] = [
      { type: "leaf", vrfOutput: value(3), commitment: value(5) },
      ...[1, 255, 256, 2 ** 32, 2 ** 53 - 1].map(
        (id): PrefixNode => ({ type: "parent", left: { id, value: value(7) }, right: NO_CHILD }),
      ),
    ];
    for (const node of nodes) {
      const row = encodePrefixNode(node);
      expect(row).toEqual(encode(PrefixNode, node));
      expect(decodePrefixNode(row)).toEqual(node);
      expect(decode(PrefixNode, row)).toEqual(node);
      expect(() => decodePrefixNode(row.subarray(1))).toThrow();
      expect(() => decodePrefixNode(Uint8Array.of(...row, 0))).toThrow();
    }
  });
});
