import { type LogConnection, LogClientError } from "@mls-as/kt-client";

/** Entries asked for at once at first, and at most. */
const FIRST_PAGE = 64;
const MAX_PAGE = 1000;
/** Octets that a page should have, so that memory stays flat whatever the entries' sizes. */
const AIM = 2 * 2 ** 20;

/**
 * The updates of log entries from `start` until `end`, page by page; the next page is fetched while one is worked on, so
 * that never more than two are held. Ends early where the log has none.
 */
export async function* updatePages(
  connection: LogConnection,
  start: number,
  end: number,
): AsyncGenerator<readonly Uint8Array[], void, void> {
  let limit = FIRST_PAGE;
  const fetchPage = async (from: number): Promise<readonly Uint8Array[]> => {
    for (;;)
      try {
        return await connection.auditorUpdates(from, Math.min(limit, Math.max(1, end - from)));
      } catch (error) {
        if (!(error instanceof LogClientError) || error.code !== "answer-too-large" || limit === 1) throw error;
        limit = Math.floor(limit / 2);
      }
  };
  let position = start;
  let next = position < end ? fetchPage(position) : undefined;
  while (next !== undefined) {
    const page = (await next).slice(0, end - position);
    position += page.length;
    limit = adapted(limit, page);
    next = page.length > 0 && position < end ? fetchPage(position) : undefined;
    // A failure is thrown where it is awaited, not before.
    next?.catch(() => undefined);
    yield page;
  }
}

function adapted(limit: number, page: readonly Uint8Array[]): number {
  const octets = page.reduce((sum, { length }) => sum + length, 0);
  if (octets > AIM) return Math.max(1, Math.floor(limit / 2));
  return octets < AIM / 2 ? Math.min(MAX_PAGE, limit * 2) : limit;
}
