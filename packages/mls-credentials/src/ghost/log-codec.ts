import { type Codec, mapped, optional, struct } from "@mls-as/tls-codec";
import { type DeviceList, decodeDeviceList, encodeDeviceList } from "../device-list.js";
import { ProofCodec } from "./finding-codec.js";
import { type RememberedRecord, UserLog } from "./log-memory.js";
import { blob, mapOf, real, setOf, text } from "./state-fields.js";

const Remembered: Codec<RememberedRecord> = struct({
  client: text,
  spkiHash: text,
  tbsCertificateHash: text,
  notAfter: real,
  revokedAt: optional(real),
  reason: optional(real),
});

/** The list as it was logged. */
const List: Codec<{ readonly list: DeviceList; readonly value: Uint8Array }> = mapped(
  blob,
  (value) => ({ list: decodeDeviceList(value), value }),
  ({ list }) => encodeDeviceList(list),
);

const Fields = struct({
  user: text,
  records: mapOf(text, Remembered),
  hashes: mapOf(real, text),
  deadKeys: mapOf(text, real),
  vouchers: setOf(text),
  newest: optional(List),
  proof: optional(ProofCodec),
  provenAt: real,
  readAt: real,
  toldAt: real,
  missingSince: optional(real),
  failedAt: real,
});

/** What is remembered of one user's lists. */
export const UserLogCodec: Codec<UserLog> = mapped(
  Fields,
  ({ user, records, hashes, deadKeys, vouchers, newest, ...rest }) => {
    const log = new UserLog(user);
    for (const [key, value] of records) log.records.set(key, value);
    for (const [key, value] of hashes) log.hashes.set(key, value);
    for (const [key, value] of deadKeys) log.deadKeys.set(key, value);
    for (const value of vouchers) log.vouchers.add(value);
    log.list = newest?.list;
    log.value = newest?.value;
    return Object.assign(log, rest);
  },
  (log) => {
    const { list, value } = log;
    return {
      user: log.user,
      records: log.records,
      hashes: log.hashes,
      deadKeys: log.deadKeys,
      vouchers: log.vouchers,
      newest: list === undefined || value === undefined ? undefined : { list, value },
      proof: log.proof,
      provenAt: log.provenAt,
      readAt: log.readAt,
      toldAt: log.toldAt,
      missingSince: log.missingSince,
      failedAt: log.failedAt,
    };
  },
);
