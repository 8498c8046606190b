import { Configuration, KeytransError, logId, nobleSuite, type Suite } from "@mls-as/keytrans";
import { createClient, type KtClient } from "@mls-as/keytrans/client";
import { CodecError, decode, equalBytes } from "@mls-as/tls-codec";
import { LogClientError } from "./client-error.js";

/** A log whose configuration was checked and is trusted from now on. */
export interface KnownLog {
  /** 32 bytes. */
  readonly logId: Uint8Array;
  readonly configuration: Configuration;
  /** As the log gave it. */
  readonly configurationBytes: Uint8Array;
  readonly kt: KtClient;
}

export type SuiteSource = (id: 1 | 2) => Suite | Promise<Suite>;

export interface KnownLogOptions {
  /** The log that is trusted, 32 bytes; absent: whatever log the bytes belong to. */
  readonly logId?: Uint8Array | undefined;
  /** Default: pure JavaScript, runs everywhere. `nodeSuite` of `@mls-as/keytrans/node` is faster on Node. */
  readonly suite?: SuiteSource | undefined;
  /** How many rightmost distinguished entries count as recent; default 7. Must equal the log's. */
  readonly recent?: number | undefined;
}

/** Reads an encoded `Configuration` and checks whose it is. @throws LogClientError malformed-answer, wrong-log */
export async function knownLog(bytes: Uint8Array, options: KnownLogOptions = {}): Promise<KnownLog> {
  try {
    const configuration = decode(Configuration, bytes);
    const id = logId(configuration);
    if (options.logId !== undefined && !equalBytes(id, options.logId))
      throw new LogClientError("wrong-log", "configuration", "not the configuration of the trusted log");
    const { ciphersuite } = configuration;
    if (ciphersuite !== 1 && ciphersuite !== 2)
      throw new LogClientError("malformed-answer", "configuration.ciphersuite", `unknown suite ${ciphersuite}`);
    const suite = await (options.suite ?? nobleSuite)(ciphersuite);
    const { recent } = options;
    const kt = createClient({ suite, configuration, ...(recent === undefined ? {} : { recent }) });
    return { logId: id, configuration, configurationBytes: bytes.slice(), kt };
  } catch (cause) {
    if (!(cause instanceof CodecError) && !(cause instanceof KeytransError)) throw cause;
    throw new LogClientError("malformed-answer", "configuration", cause.message, { cause });
  }
}
