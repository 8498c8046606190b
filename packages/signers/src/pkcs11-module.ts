import { access } from "node:fs/promises";
import { join } from "node:path";
import pkcs11 from "pkcs11js";
import type { Pkcs11Uri } from "./pkcs11-uri.js";
import { SignerError } from "./signer.js";

/** Where distributions put PKCS#11 libraries. */
const LIBRARY_FOLDERS = [
  "/usr/lib/softhsm",
  "/usr/lib/pkcs11",
  "/usr/lib64/pkcs11",
  "/usr/lib/x86_64-linux-gnu/pkcs11",
  "/usr/lib/aarch64-linux-gnu/pkcs11",
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/local/lib/softhsm",
  "/usr/local/lib",
  "/opt/homebrew/lib/softhsm",
  "/opt/homebrew/lib",
] as const;

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/**
 * The library that a URI means: its `module-path`, its `module-name` in the usual folders, or `fallback` (the
 * environment's `PKCS11_MODULE`).
 *
 * @throws SignerError `module-unusable`
 */
export async function libraryPath(
  { modulePath, moduleName }: Pick<Pkcs11Uri, "modulePath" | "moduleName">,
  fallback: string | undefined = process.env["PKCS11_MODULE"],
): Promise<string> {
  if (modulePath !== undefined && moduleName === undefined) return modulePath;
  if (moduleName !== undefined) {
    const folders = modulePath === undefined ? LIBRARY_FOLDERS : [modulePath];
    for (const folder of folders)
      for (const name of [moduleName, `${moduleName}.so`, `lib${moduleName}.so`, `lib${moduleName}.dylib`])
        if (await isThere(join(folder, name))) return join(folder, name);
    throw new SignerError("module-unusable", `there is no PKCS#11 library ${moduleName} in ${folders.join(", ")}`, {
      path: "module-name",
    });
  }
  if (fallback !== undefined && fallback !== "") return fallback;
  throw new SignerError(
    "module-unusable",
    "which PKCS#11 library? Add ?module-path=/path/to/library.so to the URI, or set PKCS11_MODULE",
    { path: "module-path" },
  );
}

/** Lets many operations run at once, or one that needs to be alone (C_Finalize must not overtake a signature). */
class Gate {
  #active = 0;
  #alone: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  async shared<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    this.#active++;
    try {
      return await work();
    } finally {
      this.#active--;
      if (this.#active === 0) this.#drained?.();
    }
  }

  async exclusive<T>(work: () => T): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    let release: () => void = () => undefined;
    this.#alone = new Promise((resolve) => {
      release = resolve;
    });
    try {
      if (this.#active > 0)
        await new Promise<void>((resolve) => {
          this.#drained = resolve;
        });
      return work();
    } finally {
      this.#drained = undefined;
      this.#alone = undefined;
      release();
    }
  }
}

/**
 * A loaded PKCS#11 library. It exists once in a process, however many signers use it: the standard allows one
 * C_Initialize, and one login a token. It is initialised with CKF_OS_LOCKING_OK, without which several sessions crash.
 */
export class Pkcs11Module {
  readonly path: string;
  readonly library: pkcs11.PKCS11;
  readonly gate = new Gate();
  #users = 0;
  #generation = 0;

  private constructor(path: string) {
    this.path = path;
    this.library = new pkcs11.PKCS11();
    try {
      this.library.load(path);
    } catch (cause) {
      throw new SignerError("module-unusable", `the PKCS#11 library ${path} cannot be loaded`, { path, cause });
    }
    this.#initialize();
  }

  /** Counts restarts: session and object handles of an earlier generation mean nothing. */
  get generation(): number {
    return this.#generation;
  }

  /** @throws SignerError `module-unusable` */
  static acquire(path: string): Pkcs11Module {
    const module = loaded.get(path) ?? new Pkcs11Module(path);
    loaded.set(path, module);
    module.#users++;
    return module;
  }

  /** The last one to leave unloads the library. */
  release(): void {
    if (--this.#users > 0) return;
    loaded.delete(this.path);
    try {
      this.library.C_Finalize();
    } catch {
      // A library that refuses to be finalised is unloaded all the same.
    }
    this.library.close();
  }

  /** Starts the library anew, which is how most of them notice tokens that came or went. Only inside `gate.exclusive`. */
  restart(): void {
    try {
      this.library.C_Finalize();
    } catch {
      // Not initialised any more: that is what is mended here.
    }
    this.#initialize();
    this.#generation++;
  }

  #initialize(): void {
    try {
      this.library.C_Initialize({ flags: pkcs11.CKF_OS_LOCKING_OK });
    } catch (cause) {
      if (returnValue(cause) === "CKR_CRYPTOKI_ALREADY_INITIALIZED") return;
      throw new SignerError("module-unusable", `the PKCS#11 library ${this.path} does not start`, {
        path: this.path,
        cause,
      });
    }
  }
}

const loaded = new Map<string, Pkcs11Module>();

/** The CKR name of an error of the binding, or undefined when it is another kind of error. */
export function returnValue(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /CKR_[A-Z0-9_]+/.exec(error.message)?.[0];
}
