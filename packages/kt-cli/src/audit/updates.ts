import type { LogConnection } from "@mls-as/kt-client";

const PAGE = 500;

/**
 * The updates of log entries from `start` until `end`, page by page; the next page is fetched while one is worked on, so
 * that never more than two are held. Ends early where the log has none.
 */
export async function* updatePages(
  connection: LogConnection,
  start: number,
  end: number,
): AsyncGenerator<readonly Uint8Array[], void, void> {
  const fetchPage = (from: number) => connection.auditorUpdates(from, Math.min(PAGE, Math.max(1, end - from)));
  let position = start;
  let next = position < end ? fetchPage(position) : undefined;
  while (next !== undefined) {
    const page = (await next).slice(0, end - position);
    position += page.length;
    next = page.length > 0 && position < end ? fetchPage(position) : undefined;
    // A failure is thrown where it is awaited, not before.
    next?.catch(() => undefined);
    yield page;
  }
}
