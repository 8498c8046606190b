/**
 * Ends the process in order on SIGTERM or SIGINT: `close` runs once, then the process exits with 0, or with 1 when it
 * fails, after `report` has told why. A second signal ends it at once.
 */
export function stopOnSignals(close: () => Promise<void>, report: (error: unknown) => void): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        report(error);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
