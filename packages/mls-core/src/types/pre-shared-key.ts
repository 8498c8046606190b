import { type Codec, enumeration, opaqueV, sequence, struct, tagged, uint64, uint8 } from "@mls-as/tls-codec";

type ResumptionPSKUsage = "application" | "reinit" | "branch";

/** RFC 9420, "Pre-Shared Keys". */
export type PreSharedKeyID = (
  | { readonly pskType: "external"; readonly pskId: Uint8Array }
  | {
      readonly pskType: "resumption";
      readonly usage: ResumptionPSKUsage;
      readonly pskGroupId: Uint8Array;
      readonly pskEpoch: bigint;
    }
) & { readonly pskNonce: Uint8Array };

export const PreSharedKeyID: Codec<PreSharedKeyID> = sequence(
  tagged("pskType", enumeration(uint8, { external: 1, resumption: 2 }), {
    external: struct({ pskId: opaqueV() }),
    resumption: struct({
      usage: enumeration(uint8, { application: 1, reinit: 2, branch: 3 }),
      pskGroupId: opaqueV(),
      pskEpoch: uint64,
    }),
  }),
  struct({ pskNonce: opaqueV() }),
);
