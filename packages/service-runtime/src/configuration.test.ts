import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { readConfiguration } from "./configuration.js";
import { ConfigurationError } from "./configuration-error.js";
import { describeConfiguration, setting } from "./configuration-spec.js";

const spec = {
  port: setting(z.number().int().min(0).max(65_535), { default: 8440, help: "port; 0 picks a free one" }),
  batchMilliseconds: setting(z.number().int().positive(), { default: 20, help: "how long to wait, milliseconds" }),
  dataDir: setting(z.string().min(1), { help: "folder", variable: "X_DATA" }),
  debug: setting(z.boolean(), { default: false, help: "more output" }),
  passphrase: setting(z.string().min(8).optional(), { help: "at least 8 characters", secret: true }),
  oidc: {
    issuer: setting(z.url().optional(), { help: "an https URL" }),
    audiences: setting(z.array(z.string().regex(/^[a-z]+$/, "must be lower case")), { default: [], help: "clients" }),
  },
} as const;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "configuration-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, "service.toml");
  writeFileSync(path, text);
  return path;
}

function faultsOf(work: () => unknown): ConfigurationError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error("nothing was wrong");
}

const read = (environment: Record<string, string>, path?: string, overrides = {}) =>
  readConfiguration({ prefix: "X_", spec, environment, file: path, overrides });

test("flags go before the environment, that before the file, that before the default", () => {
  const path = file('port = 1\nbatch_milliseconds = 2\ndata_dir = "file"\n[oidc]\nissuer = "https://a.test/"\n');
  const { values } = read({ X_PORT: "3", X_OIDC_AUDIENCES: "app, web" }, path, { dataDir: "flag" });
  expect(values).toEqual({
    port: 3,
    batchMilliseconds: 2,
    dataDir: "flag",
    debug: false,
    passphrase: undefined,
    oidc: { issuer: "https://a.test/", audiences: ["app", "web"] },
  });
  expectTypeOf(values.port).toEqualTypeOf<number>();
  expectTypeOf(values.oidc.issuer).toEqualTypeOf<string | undefined>();
});

test("everything that is wrong is told at once: field, source, what it must be, and what to do", () => {
  const path = file('prot = 1\nbatch_milliseconds = "soon"\noidc = 3\n');
  const { faults, message } = faultsOf(() => read({ X_PORT: "70000", X_DEBUG: "maybe" }, path));
  expect(faults.map(({ field, from }) => [field, from])).toEqual([
    ["prot", path],
    ["oidc", path],
    ["port", "X_PORT"],
    ["batch_milliseconds", path],
    ["data_dir", undefined],
    ["debug", "X_DEBUG"],
  ]);
  expect(faults[0]?.remedy).toBe("Did you mean port?");
  expect(message).toContain(
    "port (X_PORT): Too big: expected number to be <=65535, not 70000. Set port in the file or X_PORT",
  );
  expect(message).toContain("data_dir: it must be given. Set data_dir in the file or X_DATA in the environment.");
});

test("a fault inside a list names the item", () => {
  const { faults } = faultsOf(() => read({ X_DATA: "d", X_OIDC_AUDIENCES: "app,WEB" }));
  expect(faults).toMatchObject([{ field: "oidc.audiences", message: 'must be lower case at [1], not ["app","WEB"]' }]);
});

test("the value of a secret is in no error", () => {
  const error = faultsOf(() => read({ X_DATA: "d", X_PASSPHRASE: "hunter2" }));
  expect(error.faults[0]?.field).toBe("passphrase");
  expect(JSON.stringify(error.faults) + error.message + String(error.cause)).not.toContain("hunter2");
});

describe("files", () => {
  test("that cannot be read, or are no TOML, are told by place", () => {
    expect(faultsOf(() => read({}, join(folder, "absent"))).message).toContain("cannot be read");
    expect(faultsOf(() => read({}, file("port = 1\nport = 2\n"))).message).toContain("not TOML at line 2");
  });
});

test("variables that only look like ours are reported; empty ones count as not set", () => {
  const { values, unknownVariables } = read({ X_DATA: "d", X_PROT: "1", X_PORT: "", OTHER: "x" });
  expect(unknownVariables).toEqual(["X_PROT"]);
  expect(values.port).toBe(8440);
});

test("the reference lists every setting", () => {
  expect(describeConfiguration(spec, "X_")).toContainEqual({
    field: "oidc.audiences",
    variable: "X_OIDC_AUDIENCES",
    default: "[]",
    help: "clients",
  });
  expect(describeConfiguration(spec, "X_").map(({ variable }) => variable)).toContain("X_DATA");
});
