import { ascending, bytes, decode, encode, type Infer, refined, struct, uint64, vectorV } from "@mls-as/tls-codec";
import { AsciiText } from "./device-list.js";
import { isDomainName } from "./identity/domain-name.js";

/** Component of a GroupContext's `app_data_dictionary` that holds {@link AuthPins}. */
export const AUTH_PINS_COMPONENT_ID = 0xa505;

/** What a group pinned for one identity domain. `position` is a distinguished log entry, `root` the log's root there. */
export const AuthPin = struct({
  domain: refined(AsciiText, (domain) => (isDomainName(domain) ? undefined : "not a lower-case A-label FQDN")),
  policyDigest: bytes(32),
  logId: bytes(32),
  position: uint64,
  root: bytes(32),
});
export type AuthPin = Infer<typeof AuthPin>;

/** One pin a domain, ascending by domain. */
export const AuthPins = struct({
  pins: ascending(vectorV(AuthPin), (a, b) => (a.domain < b.domain ? -1 : a.domain > b.domain ? 1 : 0)),
});
export type AuthPins = Infer<typeof AuthPins>;

/** @throws CodecError when pins are unsorted, repeated, or name no domain. */
export function encodeAuthPins(pins: AuthPins): Uint8Array {
  return encode(AuthPins, pins);
}

/** @throws CodecError */
export function decodeAuthPins(value: Uint8Array): AuthPins {
  return decode(AuthPins, value);
}

/** The pin of a domain. */
export function pinOf(pins: AuthPins, domain: string): AuthPin | undefined {
  return pins.pins.find((pin) => pin.domain === domain);
}
