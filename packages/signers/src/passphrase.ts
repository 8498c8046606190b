import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { writeDurably } from "./durable-file.js";
import { SignerError } from "./signer.js";

/** Where a passphrase comes from. The first that is given counts: `value`, `file`, then what `fallbackFile` holds. */
export interface PassphraseSource {
  /** The passphrase itself, from the environment. */
  readonly value?: string | undefined;
  /** A file whose one line it is. */
  readonly file?: string | undefined;
  /** A file that is read when nothing else was given, and made (256 random bits, mode 0600) when it is not there. */
  readonly fallbackFile?: string | undefined;
}

/** @throws SignerError `passphrase-missing` */
export async function readPassphrase({ value, file, fallbackFile }: PassphraseSource): Promise<string> {
  if (value !== undefined && value !== "") return value;
  if (file !== undefined) return await fromFile(file);
  if (fallbackFile === undefined)
    throw new SignerError("passphrase-missing", "no passphrase: give it in the environment, or name a file with it");
  try {
    return await fromFile(fallbackFile);
  } catch (error) {
    const cause = error instanceof SignerError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    if (cause?.code !== "ENOENT") throw error;
  }
  const made = randomBytes(32).toString("hex");
  await mkdir(dirname(fallbackFile), { recursive: true, mode: 0o700 });
  await writeDurably(fallbackFile, `${made}\n`, 0o600);
  return made;
}

async function fromFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new SignerError("passphrase-missing", `the passphrase file ${path} cannot be read`, { path, cause });
  }
  const line = text.replace(/\r?\n$/, "");
  if (line === "") throw new SignerError("passphrase-missing", `the passphrase file ${path} is empty`, { path });
  return line;
}
