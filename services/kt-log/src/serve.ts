import { ConfigurationError, type HttpServer, listen, startTracing } from "@mls-as/service-runtime";
import { createApp } from "./app.js";
import type { Config } from "./config.js";
import { closeContext, type Context, type ContextOptions, openContext } from "./context.js";

export interface RunningService {
  readonly url: string;
  readonly context: Context;
  /** Answers what is under way, commits what is waiting, closes. */
  close(): Promise<void>;
}

/** Opens the data folder and listens. @throws ConfigurationError, DataFolderError, KeyFileError */
export async function serve(config: Config, options: ContextOptions = {}): Promise<RunningService> {
  refuseNameless(config);
  const tracing = await startTracing({ service: "kt-log", endpoint: config.tracingEndpoint });
  const context = await openContext(config, Date.now, options);
  let server: HttpServer;
  let url: string | undefined;
  try {
    const app = createApp(context, () => url);
    server = await listen({ fetch: app.fetch, host: config.host, port: config.port });
    ({ url } = server);
  } catch (error) {
    await closeContext(context);
    await tracing.stop();
    throw error;
  }
  await context.leadership.advertise(config.advertisedUrl ?? server.url);
  context.logger.info({ url: server.url }, "the log is listening");
  if (config.unknownVariables.length > 0)
    context.logger.warn({ variables: config.unknownVariables }, "variables that are no settings");
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const drained = server.close();
    await context.sequencer.stop();
    await drained;
    await closeContext(context);
    await tracing.stop();
  };
  return {
    url: server.url,
    context,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Devices sign for a URL: an address that stands for all of a machine's is none. */
function refuseNameless({ readerAnchorsFile, publicUrl, host }: Config): void {
  if (readerAnchorsFile === undefined || publicUrl !== undefined || !["0.0.0.0", "::"].includes(host)) return;
  throw new ConfigurationError([
    {
      field: "public_url",
      message: `readers by reader_anchors_file sign for the log's URL, and ${host} is none`,
      remedy: "Set public_url to the URL that callers use.",
    },
  ]);
}
