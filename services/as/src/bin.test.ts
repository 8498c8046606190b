import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const folder = new URL("../", import.meta.url);

test("npm links the command of a fresh clone before anything is built, and may run it after", async () => {
  const { bin, files } = JSON.parse(await readFile(new URL("package.json", folder), "utf8")) as {
    readonly bin: { readonly "mls-as": string };
    readonly files: readonly string[];
  };
  expect(bin["mls-as"]).not.toMatch(/^(\.\/)?dist\//);
  expect(files).toContain("bin");
  const command = fileURLToPath(new URL(bin["mls-as"], folder));
  await access(command, constants.X_OK);
  const { stdout } = await promisify(execFile)(command, ["--help"]);
  expect(stdout).toContain("Usage: mls-as");
});
