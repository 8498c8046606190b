import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { createApp } from "./app.js";
import { type Config, ConfigError } from "./config.js";
import { closeContext, type Context, openContext } from "./context.js";

export interface RunningService {
  readonly url: string;
  readonly context: Context;
  /** Answers what is under way, commits what is waiting, closes. */
  close(): Promise<void>;
}

/** Opens the data folder and listens. @throws ConfigError, DataFolderError, KeyFileError */
export async function serve(config: Config): Promise<RunningService> {
  const context = await openContext(config);
  const server = createAdaptorServer({ fetch: createApp(context).fetch });
  server.listen(config.port, config.host);
  try {
    await once(server, "listening");
  } catch (error) {
    await closeContext(context);
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new ConfigError(`Port ${config.port} on ${config.host} is taken; choose another for the log.`, {
      cause: error,
    });
  }
  const { address, port, family } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  await context.leadership.advertise(config.advertisedUrl ?? url);
  context.logger.info({ url }, "the log is listening");
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    if ("closeIdleConnections" in server) server.closeIdleConnections();
    await context.sequencer.stop();
    const patience = setTimeout(() => {
      if ("closeAllConnections" in server) server.closeAllConnections();
    }, 5000);
    await closed;
    clearTimeout(patience);
    await closeContext(context);
  };
  return {
    url,
    context,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
