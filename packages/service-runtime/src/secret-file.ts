import { readFile } from "node:fs/promises";
import { ConfigurationError } from "./configuration-error.js";

/** The secret in a file, without the line's end. `field` is the setting that names it. @throws ConfigurationError */
export async function readSecretFile(path: string, field: string): Promise<string> {
  const refuse = (message: string, remedy: string, options?: ErrorOptions): ConfigurationError =>
    new ConfigurationError([{ field, from: path, message, remedy }], options);
  let text: string;
  try {
    text = (await readFile(path, "utf8")).trimEnd();
  } catch (cause) {
    throw refuse("the file cannot be read", "Check its path, and that the service's account may read it.", { cause });
  }
  if (text === "") throw refuse("the file is empty", "Write the secret into it.");
  return text;
}
