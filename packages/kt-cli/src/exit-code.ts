/** What `kt` tells its caller. The numbers never change their meaning. */
export const EXIT = {
  /** Everything that was asked for was verified, and nothing is wrong. */
  fine: 0,
  /** Misbehaviour is proven, or something is there that must not be (a device that is not in the owner's list). */
  misbehaviour: 1,
  /** The command line, a file it names, or what is stored cannot be used. */
  usage: 2,
  /** No verified and current answer could be had: no connection, a refusal, an old head, bytes that do not verify. */
  unreachable: 3,
  /** The log presents other keys than those that were pinned. */
  unexpectedKey: 4,
  /** A fault of this program. */
  internal: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
