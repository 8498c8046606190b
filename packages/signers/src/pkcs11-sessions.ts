import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import pkcs11 from "pkcs11js";
import { type Pkcs11Module, returnValue } from "./pkcs11-module.js";
import type { TokenAttributes } from "./pkcs11-uri.js";
import { SignerError } from "./signer.js";

export type Handle = pkcs11.Handle;

/** Where the PIN comes from; a file is read again at every login, so that a changed PIN needs no restart. */
export type PinSource = { readonly file: string } | { readonly value: string } | "none";

/** What is open while the token answers. Object handles belong to it and die with it. */
export interface Connection {
  readonly generation: number;
  readonly slot: Handle;
  readonly idle: Handle[];
  readonly handles: Map<string, Handle>;
  open: number;
  /** Somebody met an error that means that it has to be opened anew. */
  lost: boolean;
}

/** Errors after which everything is opened anew and the operation is tried once more. */
const LOST: ReadonlySet<string> = new Set([
  "CKR_SESSION_HANDLE_INVALID",
  "CKR_SESSION_CLOSED",
  "CKR_USER_NOT_LOGGED_IN",
  "CKR_OBJECT_HANDLE_INVALID",
  "CKR_KEY_HANDLE_INVALID",
  "CKR_DEVICE_REMOVED",
  "CKR_DEVICE_ERROR",
  "CKR_TOKEN_NOT_PRESENT",
  "CKR_TOKEN_NOT_RECOGNIZED",
  "CKR_SLOT_ID_INVALID",
  "CKR_CRYPTOKI_NOT_INITIALIZED",
  "CKR_OPERATION_ACTIVE",
  "CKR_OPERATION_NOT_INITIALIZED",
  "CKR_GENERAL_ERROR",
  "CKR_FUNCTION_FAILED",
]);
const GONE: ReadonlySet<string> = new Set([
  "CKR_DEVICE_REMOVED",
  "CKR_TOKEN_NOT_PRESENT",
  "CKR_TOKEN_NOT_RECOGNIZED",
  "CKR_SLOT_ID_INVALID",
]);
const TOKEN_INITIALISED = 0x400;

/** Turns what the binding throws into an error of this package. */
export function signerError(error: unknown, path: string): Error {
  if (error instanceof SignerError) return error;
  const name = returnValue(error);
  if (name === undefined) return new SignerError("key-unavailable", `the token ${path} failed`, { path, cause: error });
  if (GONE.has(name)) return new SignerError("token-unavailable", `the token ${path} is gone (${name})`, { path });
  if (name.startsWith("CKR_PIN_"))
    return new SignerError("pin-refused", `the token ${path} refused the PIN (${name}); it is not tried again`, {
      path,
    });
  if (name === "CKR_MECHANISM_INVALID" || name === "CKR_CURVE_NOT_SUPPORTED" || name === "CKR_DOMAIN_PARAMS_INVALID")
    return new SignerError("algorithm-unsupported", `the token ${path} cannot do this (${name})`, { path });
  return new SignerError("key-unavailable", `the token ${path} failed (${name})`, { path });
}

class ConnectionLost extends Error {}

export interface SessionOptions {
  /** Sessions open at once, which bounds the signatures under way. */
  readonly sessions: number;
  /** Milliseconds after which an operation is given up as `key-unavailable`. */
  readonly timeout: number;
}

/**
 * Sessions with one token. A lost session, a restarted or exchanged token, a library that has to be started anew: the
 * operation that meets it opens everything again and is tried once more; what still fails then is reported.
 */
export class TokenSessions {
  readonly #module: Pkcs11Module;
  readonly #wanted: TokenAttributes;
  readonly #pin: PinSource;
  readonly #options: SessionOptions;
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  #refusedPin: string | undefined;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(module: Pkcs11Module, wanted: TokenAttributes, pin: PinSource, options: SessionOptions) {
    this.#module = module;
    this.#wanted = wanted;
    this.#pin = pin;
    this.#options = options;
  }

  /** How people call this token. */
  get name(): string {
    return this.#wanted.token ?? this.#wanted.serial ?? String(this.#wanted.slotId ?? "");
  }

  get library(): pkcs11.PKCS11 {
    return this.#module.library;
  }

  /** Runs `work` with a session of its own. @throws SignerError */
  async run<T>(work: (session: Handle, connection: Connection) => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `the token ${this.name} did not answer within ${this.#options.timeout} ms`;
        reject(new SignerError("key-unavailable", message, { path: this.name }));
      }, this.#options.timeout);
    });
    try {
      return await Promise.race([this.#persist(work), late]);
    } catch (error) {
      throw signerError(error, this.name);
    } finally {
      clearTimeout(timer);
    }
  }

  /** C_CloseAllSessions, which also logs out. */
  endAll(): void {
    if (this.#connection !== undefined) this.library.C_CloseAllSessions(this.#connection.slot);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#module.gate.exclusive(() => this.#disconnect());
    this.#module.release();
  }

  async #persist<T>(work: (session: Handle, connection: Connection) => Promise<T>): Promise<T> {
    for (let failures = 0; ; ) {
      const connection = await this.#connected();
      try {
        return await this.#module.gate.shared(() => this.#withSession(connection, work));
      } catch (error) {
        if (error instanceof ConnectionLost) continue; // somebody else met the loss first
        const name = returnValue(error);
        if (name === undefined || !LOST.has(name)) throw error;
        connection.lost = true;
        if (++failures > 1) throw error;
      }
    }
  }

  async #withSession<T>(
    connection: Connection,
    work: (session: Handle, connection: Connection) => Promise<T>,
  ): Promise<T> {
    while (this.#usable(connection) && connection.idle.length === 0 && connection.open >= this.#options.sessions)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    if (!this.#usable(connection)) {
      this.#waiting.shift()?.();
      throw new ConnectionLost();
    }
    let session = connection.idle.pop();
    if (session === undefined) {
      session = this.library.C_OpenSession(connection.slot, pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION);
      connection.open++;
    }
    try {
      return await work(session, connection);
    } finally {
      connection.idle.push(session);
      this.#waiting.shift()?.();
    }
  }

  #usable(connection: Connection): boolean {
    return this.#connection === connection && !connection.lost && connection.generation === this.#module.generation;
  }

  #connected(): Promise<Connection> {
    if (this.#closed) throw new SignerError("key-unavailable", "this signer is closed", { path: this.name });
    const connection = this.#connection;
    if (connection !== undefined && this.#usable(connection)) return Promise.resolve(connection);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<Connection> {
    const pin = await this.#readPin();
    return await this.#module.gate.exclusive(() => {
      this.#disconnect();
      try {
        this.#connection = this.#openConnection(pin);
      } catch (error) {
        const name = returnValue(error);
        const absent = error instanceof SignerError ? error.code === "token-unavailable" : LOST.has(name ?? "");
        if (!absent) throw error;
        this.#module.restart();
        this.#connection = this.#openConnection(pin);
      }
      return this.#connection;
    });
  }

  #openConnection(pin: string | undefined): Connection {
    const slot = this.#findSlot();
    const session = this.library.C_OpenSession(slot, pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION);
    try {
      this.#login(session, pin);
    } catch (error) {
      this.library.C_CloseSession(session);
      throw error;
    }
    return { generation: this.#module.generation, slot, idle: [session], handles: new Map(), open: 1, lost: false };
  }

  #login(session: Handle, pin: string | undefined): void {
    if (this.#pin === "none") return;
    const digest = createHash("sha256")
      .update(pin ?? "")
      .digest("hex");
    if (this.#refusedPin === digest)
      throw new SignerError("pin-refused", `the token ${this.name} refused this PIN before; it is not tried again`, {
        path: this.name,
      });
    try {
      this.library.C_Login(session, pkcs11.CKU_USER, pin);
    } catch (error) {
      const name = returnValue(error);
      if (name === "CKR_USER_ALREADY_LOGGED_IN") return;
      if (name?.startsWith("CKR_PIN_") === true) this.#refusedPin = digest;
      throw error;
    }
    this.#refusedPin = undefined;
  }

  async #readPin(): Promise<string | undefined> {
    if (this.#pin === "none") return undefined;
    if ("value" in this.#pin) return this.#pin.value;
    const path = this.#pin.file;
    const text = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new SignerError("pin-refused", `the PIN file ${path} cannot be read`, { path, cause });
    });
    const pin = text.split(/\r?\n/)[0] ?? "";
    if (pin === "") throw new SignerError("pin-refused", `the PIN file ${path} is empty`, { path });
    return pin;
  }

  #findSlot(): Handle {
    const found = this.library.C_GetSlotList(true).filter((slot) => this.#matches(slot));
    const [slot] = found;
    if (slot === undefined)
      throw new SignerError("token-unavailable", `there is no token ${this.name} in any slot`, { path: this.name });
    if (found.length > 1)
      throw new SignerError("uri-invalid", `${found.length} tokens match ${this.name}: name one by its serial`, {
        path: "token",
        section: "PKCS #11 URI Matching Guidelines",
      });
    return slot;
  }

  #matches(slot: Handle): boolean {
    const { library } = this;
    let token: pkcs11.TokenInfo;
    try {
      token = library.C_GetTokenInfo(slot);
    } catch {
      return false; // no token, or one that does not answer
    }
    if ((token.flags & TOKEN_INITIALISED) === 0) return false;
    const wanted = this.#wanted;
    const info = library.C_GetSlotInfo(slot);
    const module = library.C_GetInfo();
    const pairs: [string | undefined, string][] = [
      [wanted.token, token.label],
      [wanted.manufacturer, token.manufacturerID],
      [wanted.serial, token.serialNumber],
      [wanted.model, token.model],
      [wanted.slotDescription, info.slotDescription],
      [wanted.slotManufacturer, info.manufacturerID],
      [wanted.libraryManufacturer, module.manufacturerID],
      [wanted.libraryDescription, module.libraryDescription],
      [wanted.libraryVersion, `${module.libraryVersion.major}.${module.libraryVersion.minor}`],
    ];
    if (!pairs.every(([asked, is]) => asked === undefined || asked === is.replace(/[ \0]+$/, ""))) return false;
    return wanted.slotId === undefined || slotNumber(slot) === BigInt(wanted.slotId);
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined || connection.generation !== this.#module.generation) return;
    for (const session of connection.idle)
      try {
        this.library.C_CloseSession(session);
      } catch {
        // Lost already.
      }
  }
}

function slotNumber(slot: Handle): bigint {
  const bytes = Buffer.from(slot);
  return bytes.length === 8 ? bytes.readBigUInt64LE() : BigInt(bytes.readUInt32LE());
}
