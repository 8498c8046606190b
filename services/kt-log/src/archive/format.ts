import {
  bytes,
  type Codec,
  encode,
  enumeration,
  type Infer,
  opaque,
  optional,
  struct,
  tagged,
  uint16,
  uint32,
  uint64Number,
  uint8,
  vector,
} from "@mls-as/tls-codec";

/** Bytes at the beginning of every archive: a name, and the version of the format. */
export const MAGIC: Uint8Array = new TextEncoder().encode("kt-log archive 1\n");

const MAX = 2 ** 32 - 1;

const Opening = struct({ opening: opaque(0, 255), value: opaque(0, MAX), suffix: optional(opaque(0, 2 ** 16 - 1)) });

/** A label-version as a log entry inserts it; what opens the commitment is absent where it was erased or skipped. */
const ArchivedVersion = struct({
  label: opaque(0, 255),
  version: uint32,
  output: bytes(32),
  commitment: bytes(32),
  opening: optional(Opening),
});
export type ArchivedVersion = Infer<typeof ArchivedVersion>;

/** One record of an archive; `docs/kt-log-archive.md` says in which order they come. */
export const ArchiveRecord = tagged(
  "type",
  enumeration(uint8, { setting: 1, entry: 2, vrfProof: 3, witnessNode: 4, end: 5 }),
  {
    setting: struct({ key: opaque(1, 255), value: opaque(0, MAX) }),
    entry: struct({ position: uint64Number, timestamp: uint64Number, versions: vector(ArchivedVersion, 0, MAX) }),
    vrfProof: struct({ label: opaque(0, 255), version: uint32, output: bytes(32), proof: opaque(0, 255) }),
    witnessNode: struct({ level: uint16, index: uint64Number, hash: bytes(32) }),
    end: struct({
      treeSize: uint64Number,
      timestamp: uint64Number,
      root: bytes(32),
      signature: opaque(0, 2 ** 16 - 1),
      auditorTreeHead: optional(opaque(0, 2 ** 16 - 1)),
      /** SHA-256 of every byte before this record. */
      checksum: bytes(32),
    }),
  },
);
export type ArchiveRecord = Infer<typeof ArchiveRecord>;

/** A record with its length before it: `opaque record<0..2^32-1>`. */
export function framed(record: ArchiveRecord): Uint8Array {
  const encoded = encode(ArchiveRecord as Codec<ArchiveRecord>, record);
  const frame = new Uint8Array(4 + encoded.length);
  new DataView(frame.buffer).setUint32(0, encoded.length);
  frame.set(encoded, 4);
  return frame;
}
