import { isDomainName } from "./domain-name.js";
import { IdentityError } from "./identity-error.js";

/** `mimi://{domain}/u/{user}`: a person or account; the label of its device list in the log. */
export interface UserIdentity {
  readonly kind: "user";
  readonly uri: string;
  readonly domain: string;
  readonly user: string;
}

/** `mimi://{domain}/d/{user}/{device}`: one device of a user; one MLS client. */
export interface ClientIdentity {
  readonly kind: "client";
  readonly uri: string;
  readonly domain: string;
  readonly user: string;
  readonly device: string;
}

/** Most octets in an identity URI. */
export const MAX_IDENTITY_LENGTH = 255;

const SCHEME = "mimi://";
/** The whole form at once, its domain still to be judged: what nearly every URI passes. */
const FORM = /^mimi:\/\/([a-z0-9.-]{1,253})\/([ud])\/([a-z0-9._~-]{1,64})(?:\/([a-z0-9._~-]{1,64}))?$/;
const NAME = /^[a-z0-9._~-]{1,64}$/;

/** Parses a user or a client URI. @throws IdentityError */
export function parseIdentity(uri: string): UserIdentity | ClientIdentity {
  if (uri.length === 0 || uri.length > MAX_IDENTITY_LENGTH)
    throw new IdentityError("identity-length", "uri", `${uri.length} octets, 1 to ${MAX_IDENTITY_LENGTH} allowed`);
  const canonical = FORM.exec(uri);
  if (canonical !== null) {
    const [, domain = "", kind, user = "", device] = canonical;
    const dots = user === "." || user === ".." || device === "." || device === "..";
    if (!dots && (kind === "d") === (device !== undefined) && isDomainName(domain))
      return device === undefined ? { kind: "user", uri, domain, user } : { kind: "client", uri, domain, user, device };
  }
  if (!/^[\x21-\x7e]+$/.test(uri)) throw new IdentityError("identity-not-ascii", "uri", "not printable ASCII");
  if (!uri.startsWith(SCHEME)) throw new IdentityError("identity-scheme", "scheme", `must begin with ${SCHEME}`);
  const [domain = "", kind, user, device, ...rest] = uri.slice(SCHEME.length).split("/");
  if (!isDomainName(domain))
    throw new IdentityError("identity-domain", "domain", "not a lower-case A-label FQDN without port");
  if (kind === "u" && user !== undefined && device === undefined) {
    requireName(user, "user");
    return { kind: "user", uri, domain, user };
  }
  if (kind === "d" && user !== undefined && device !== undefined && rest.length === 0) {
    requireName(user, "user");
    requireName(device, "device");
    return { kind: "client", uri, domain, user, device };
  }
  throw new IdentityError("identity-kind", "kind", "the path is neither /u/{user} nor /d/{user}/{device}");
}

/** RFC 3986 normalisation would swallow the segments `.` and `..`, so a canonical URI cannot have them. */
function requireName(name: string, part: "user" | "device"): void {
  if (!NAME.test(name) || name === "." || name === "..")
    throw new IdentityError(`identity-${part}`, part, "must be 1 to 64 of a-z 0-9 . _ ~ - and no dot segment");
}

/** @throws IdentityError also when `uri` names a client. */
export function parseUserUri(uri: string): UserIdentity {
  const identity = parseIdentity(uri);
  if (identity.kind === "user") return identity;
  throw new IdentityError("identity-kind", "kind", "a user URI is due, this names a client");
}

/** @throws IdentityError also when `uri` names a user. */
export function parseClientUri(uri: string): ClientIdentity {
  const identity = parseIdentity(uri);
  if (identity.kind === "client") return identity;
  throw new IdentityError("identity-kind", "kind", "a client URI is due, this names a user");
}

/** Whether `uri` is a well-formed user URI. */
export function isUserUri(uri: string): boolean {
  return readIdentity(uri)?.kind === "user";
}

/** Whether `uri` is a well-formed client URI. */
export function isClientUri(uri: string): boolean {
  return readIdentity(uri)?.kind === "client";
}

/** The identity that `uri` names; undefined when it is not well formed. */
export function readIdentity(uri: string): UserIdentity | ClientIdentity | undefined {
  try {
    return parseIdentity(uri);
  } catch (error) {
    if (error instanceof IdentityError) return undefined;
    throw error;
  }
}

/** Composes a user URI. @throws IdentityError when a part is not canonical. */
export function userUri(domain: string, user: string): string {
  return parseUserUri(`${SCHEME}${domain}/u/${user}`).uri;
}

/** Composes a client URI. @throws IdentityError when a part is not canonical. */
export function clientUri(domain: string, user: string, device: string): string {
  return parseClientUri(`${SCHEME}${domain}/d/${user}/${device}`).uri;
}

/** The user URI a client belongs to. @throws IdentityError when `client` is no client URI. */
export function userOfClient(client: string): string {
  const { domain, user } = parseClientUri(client);
  return `${SCHEME}${domain}/u/${user}`;
}

/** Whether `client` is a device of `user`; false when either is not well formed. */
export function isClientOf(client: string, user: string): boolean {
  const [device, person] = [readIdentity(client), readIdentity(user)];
  return device?.kind === "client" && person?.kind === "user" && isDeviceOf(device, person);
}

/** Whether a client is a device of a user. */
export function isDeviceOf(client: ClientIdentity, user: UserIdentity): boolean {
  return client.domain === user.domain && client.user === user.user;
}

/** Canonical URIs are equal when their bytes are; an ill-formed one equals nothing, not even itself. */
export function sameIdentity(a: string, b: string): boolean {
  return a === b && readIdentity(a) !== undefined;
}

/** The octets of a URI as they stand in labels and structs. @throws IdentityError */
export function identityBytes(uri: string): Uint8Array {
  parseIdentity(uri);
  return Uint8Array.from(uri, (character) => character.charCodeAt(0));
}

/** Reads a URI from octets. @throws IdentityError */
export function identityFromBytes(octets: Uint8Array): UserIdentity | ClientIdentity {
  if (octets.length === 0 || octets.length > MAX_IDENTITY_LENGTH)
    throw new IdentityError("identity-length", "uri", `${octets.length} octets, 1 to ${MAX_IDENTITY_LENGTH} allowed`);
  return parseIdentity(String.fromCharCode(...octets));
}
