import { CodecError, decode, encode } from "@mls-as/tls-codec";
import { expect, it } from "vitest";
import type { Finding } from "./finding.js";
import { FindingsCodec } from "./finding-codec.js";

const finding: Finding = {
  id: "one",
  kind: "UNLOGGED_LEAF",
  severity: "critical",
  life: "confirmed",
  user: "mimi://example.org/u/alice",
  since: 1,
  changedAt: 2,
  detail: "",
  evidence: { lists: [{ version: 1, value: "0102" }] },
};

it("refuses a finding that names a list which is not there", () => {
  const bytes = encode(FindingsCodec, [finding]);
  expect(decode(FindingsCodec, bytes)).toEqual([finding]);
  // The last of the bytes are the number of the finding's only list.
  const damaged = Uint8Array.from(bytes);
  damaged[damaged.length - 1] = 1;
  expect(() => decode(FindingsCodec, damaged)).toThrow(CodecError);
});
