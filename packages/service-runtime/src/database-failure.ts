/** SQLite's primary result codes for a file that cannot be used now, whatever the statement. */
const SQLITE = /^SQLITE_(BUSY|LOCKED|READONLY|IOERR|FULL|CANTOPEN)(_|$)/;
/** PostgreSQL's classes "connection exception", "insufficient resources" and "operator intervention", and read-only. */
const POSTGRES = /^(08...|53...|57P..|57014|25006)$/;
/** What the socket says where the server is gone. */
const SOCKET = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOENT", "EHOSTUNREACH"]);
/** pg's own words for connections that end, or do not come about in time; they carry no code. */
const WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/**
 * Whether an error that a database threw says that it cannot be used now: it is down, locked, full or read-only. Such a
 * request may be sent again later; any other error is a fault of the program.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isDatabaseUnavailable);
  if (!(error instanceof Error)) return false;
  const { code } = error as { readonly code?: unknown };
  if (typeof code === "string") return SQLITE.test(code) || POSTGRES.test(code) || SOCKET.has(code);
  return WORDS.test(error.message);
}
