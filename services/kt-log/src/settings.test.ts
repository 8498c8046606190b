import { readFileSync } from "node:fs";
import { describeConfiguration } from "@mls-as/service-runtime";
import { expect, test } from "vitest";
import { readConfig } from "./config.js";
import { SETTINGS, VARIABLE_PREFIX } from "./settings.js";

const DOCUMENT = readFileSync(new URL("../../../docs/operating-the-log.md", import.meta.url), "utf8");

test("the operator's document lists every setting with its variable, default and meaning", () => {
  const missing = describeConfiguration(SETTINGS, VARIABLE_PREFIX).filter(
    ({ field, variable, default: fallback, help }) =>
      !DOCUMENT.includes(
        `| \`${field}\` | \`${variable}\` | ${fallback === undefined ? "" : `\`${fallback}\``} | ${help} |`,
      ),
  );
  expect(missing).toEqual([]);
});

test("wrong settings are told all at once, by name, and a secret's value is in none of them", () => {
  const environment = {
    KT_LOG_PORT: "99999",
    KT_LOG_BATCH_SIZE: "256",
    KT_LOG_PASSPHRASE: "short",
    KT_LOG_WITNESS_ORIGIN: "two words",
    KT_LOG_PROT: "1",
  };
  expect(() => readConfig(environment)).toThrow(
    expect.objectContaining({
      faults: ["port", "passphrase", "batch_size", "witness_origin"].map(
        (field) => expect.objectContaining({ field }) as object,
      ),
    }),
  );
  expect(() => readConfig(environment)).not.toThrow(/short/);
  expect(readConfig({ KT_LOG_PROT: "1", KT_LOG_FAILPOINT: "" }).unknownVariables).toEqual(["KT_LOG_PROT"]);
});
