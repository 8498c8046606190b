import { settingChecksum } from "./setting-checksum.js";

/** Confirms the row of the table `leader`. */
export const leaderChecksum = (url: string, term: number): Uint8Array =>
  settingChecksum(`leader ${term}`, new TextEncoder().encode(url));
