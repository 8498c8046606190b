import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runDeviceList } from "./device-list.js";
import { deviceListVectors } from "./device-list-vectors.js";
import type { Outcome } from "./main.js";

const FOLDER = fileURLToPath(new URL("../vectors/device-list/", import.meta.url));

describe("published device list vectors", async () => {
  const files = await deviceListVectors();
  if (process.env["WRITE_VECTORS"] === "1") {
    mkdirSync(FOLDER, { recursive: true });
    for (const [name, file] of Object.entries(files))
      writeFileSync(FOLDER + name, `${JSON.stringify(file, null, 1)}\n`);
  }

  it.each(Object.entries(files))("%s is what this code makes", (name, file) => {
    expect(existsSync(FOLDER + name)).toBe(true);
    expect(JSON.parse(readFileSync(FOLDER + name, "utf8"))).toEqual(JSON.parse(JSON.stringify(file)));
  });

  it.each(Object.keys(files))("%s passes", async (name) => {
    const outcomes: Outcome[] = [];
    await runDeviceList([FOLDER + name], (outcome) => outcomes.push(outcome));
    expect(outcomes.filter(({ ok }) => ok !== true)).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(4);
  });
});
