import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { manual } from "./manual.js";

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const has = (program: string): boolean => spawnSync(program, ["--version"]).error === undefined;

describe("generated pages", () => {
  test.each(Object.entries(manual()))("%s is up to date (node scripts/kt-manual.mjs)", (name, text) => {
    expect(readFileSync(path(name), "utf8")).toBe(text);
  });

  test("the man page tells of every command and exit code", () => {
    const page = manual()["man/kt.1"] ?? "";
    for (const command of ["init", "search", "watch", "audit", "witness", "gossip", "evidence", "group"])
      expect(page).toMatch(new RegExp(`^\\.SS kt ${command}`, "m"));
    for (const code of [0, 1, 2, 3, 4]) expect(page).toMatch(new RegExp(`^\\.B ${code}$`, "m"));
    // Nothing but requests at the start of a line.
    expect(
      page.split("\n").filter((line) => /^[.']/.test(line) && !/^\.(TH|SH|SS|TP|B|BI|I) /.test(line) && line !== ".TP"),
    ).toEqual([]);
  });

  test.skipIf(!has("bash"))("bash completes commands, options and nothing else (needs bash)", () => {
    const complete = (...words: string[]): string[] => {
      const script = `source ${path("completions/kt.bash")}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _kt; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], { encoding: "utf8" });
      expect(stderr).toBe("");
      return stdout.trim().split("\n");
    };
    expect(complete("kt", "w")).toEqual(["watch", "witness"]);
    expect(complete("kt", "search", "--hi")).toEqual(["--history"]);
    expect(complete("kt", "nothing", "--")).toEqual([""]);
  });
});
