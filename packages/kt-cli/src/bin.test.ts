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

test.each([
  [["frobnicate"], "unknown command 'frobnicate'"],
  [["search", "label", "--nothing"], "unknown option '--nothing'"],
  [["search"], "missing required argument 'label'"],
  [["search", "label", "--version", "many"], "--version"],
])("a wrong call, kt %j, says so: to programs in one object, to people with what to do next", async (args, message) => {
  const command = fileURLToPath(new URL("bin/kt.js", folder));
  const run = async (...given: string[]) =>
    promisify(execFile)(command, given).then(
      () => {
        throw new Error("accepted");
      },
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
  const text = await run(...args);
  expect(text).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
  expect(text.stderr).toContain("kt help");
  const json = await run(...args, "--json");
  expect(json.code).toBe(2);
  expect(JSON.parse(json.stdout)).toEqual({
    exit: 2,
    error: { code: "usage", message: expect.stringContaining(message), remedy: expect.stringContaining("kt help") },
  });
});
