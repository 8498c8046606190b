import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const folder = new URL("../", import.meta.url);

test("npm links the command of a fresh clone before anything is built, and may run it after", async () => {
  const { bin, files } = JSON.parse(await readFile(new URL("package.json", folder), "utf8")) as {
    readonly bin: { readonly kt: string };
    readonly files: readonly string[];
  };
  expect(bin.kt).not.toMatch(/^(\.\/)?dist\//);
  expect(files).toContain("bin");
  const command = fileURLToPath(new URL(bin.kt, folder));
  await access(command, constants.X_OK);
  const { stdout } = await promisify(execFile)(command, ["--version"]);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
