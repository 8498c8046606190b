import { createHash, timingSafeEqual } from "node:crypto";

/** SHA-256 of a token: all that a service keeps of it. */
export function hashSecret(text: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(text).digest());
}

/** Whether `presented` is the secret of which only the SHA-256 is known. Constant time in both. */
export function isSecret(presented: string, hash: Uint8Array): boolean {
  return timingSafeEqual(hashSecret(presented), hash);
}

/** The token of `Authorization: Bearer`, 1 to 256 characters of base64url; empty where there is none. */
export function bearerToken(authorization: string | undefined): string {
  return /^Bearer ([A-Za-z0-9_-]{1,256})$/i.exec(authorization ?? "")?.[1] ?? "";
}
