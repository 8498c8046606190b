import { sha256 } from "../log-tree.js";

const utf8 = new TextEncoder();

/** Stored beside a value that nothing else in the database confirms, so that damage to it is noticed. */
export const settingChecksum = (key: string, value: Uint8Array): Uint8Array =>
  sha256(utf8.encode(`${key.length}:${key}`), value);
