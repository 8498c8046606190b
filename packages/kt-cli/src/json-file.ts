import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeDurably } from "@mls-as/kt-client/node";
import type { Context } from "./context.js";
import { Failure } from "./failure.js";

const MAX_FILE = 256 * 2 ** 20;

/** A file's bytes; `-` is standard input. @throws Failure file-unreadable */
export async function readBytes(context: Context, path: string): Promise<Uint8Array> {
  try {
    const bytes = path === "-" ? await context.stdin() : new Uint8Array(await readFile(path));
    if (bytes.length > MAX_FILE) throw new Failure("file-malformed", `${path} is too large`, { path });
    return bytes;
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "is not there" : code === "EISDIR" ? "is a folder" : "cannot be read";
    throw new Failure("file-unreadable", `${path} ${why}`, { path, cause });
  }
}

/** @throws Failure file-malformed */
export function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Failure("file-malformed", `${path} is not JSON`, { path, cause });
  }
}

export async function readJson(context: Context, path: string): Promise<unknown> {
  return parseJson(await readBytes(context, path), path);
}

/** Writes JSON so that the file is either wholly there or as it was before. @throws Failure file-unreadable */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeText(path, `${JSON.stringify(value, null, 1)}\n`);
}

/** @throws Failure file-unreadable */
export async function writeText(path: string, text: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeDurably(path, text);
  } catch (cause) {
    throw new Failure("file-unreadable", `${path} cannot be written`, { path, cause });
  }
}

export const inHome = (context: Context, ...parts: string[]): string => join(context.home, ...parts);
