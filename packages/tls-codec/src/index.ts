export { Reader, Writer } from "./bytes.js";
export {
  type Codec,
  type Decoded,
  decode,
  encode,
  type Infer,
  lazy,
  mapped,
  refined,
  tryDecode,
  withEncoded,
} from "./codec.js";
export { CodecError, type CodecErrorCode } from "./errors.js";
export {
  enumeration,
  MAX_VARINT,
  readVarint,
  uint16,
  uint24,
  uint32,
  uint64,
  uint64Number,
  uint8,
  writeVarint,
} from "./integers.js";
export { empty, optional, sequence, struct, tagged } from "./struct.js";
export {
  ascending,
  type Bounds,
  bytes,
  compareBytes,
  concatBytes,
  equalBytes,
  opaque,
  opaqueV,
  vector,
  vectorV,
  wrappedV,
} from "./vectors.js";
