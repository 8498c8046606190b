import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigurationError, describeConfiguration } from "@mls-as/service-runtime";
import { afterAll, expect, test } from "vitest";
import { DEFAULT_CONFIG, resolveConfig } from "./config.js";
import { issuanceConfig, readSettings, SETTINGS } from "./settings.js";

const folder = mkdtempSync(join(tmpdir(), "mls-as-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const toml = (text: string): string => {
  const path = join(folder, "mls-as.toml");
  writeFileSync(path, text);
  return path;
};
const LOG = { MLS_AS_LOG_URL: "http://127.0.0.1:8441", MLS_AS_LOG_WRITER_TOKEN_FILE: "/run/token" };
const fields = (read: () => unknown): string[] => {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults.map(({ field }) => field);
    throw error;
  }
  return [];
};

test("without anything but the log the defaults hold", () => {
  const { settings, unknownVariables } = readSettings(LOG, undefined, {});
  expect(resolveConfig({ ...issuanceConfig(settings), domain: "mls.example" })).toEqual(DEFAULT_CONFIG);
  expect(unknownVariables).toEqual([]);
});

test("flags go before the environment, the environment before the file", () => {
  const file = toml(`
log_url = "http://file.example"
log_writer_token_file = "/file"
port = 1
certificate_lifetime = 1000
[enrolment]
first = ["oidc"]
further = ["oidc+approval", "token"]
[oidc]
issuer = "https://id.example"
audience = "app"
key_origins = ["https://keys.example"]
[est]
port = 8442
certificate_file = "/tls.pem"
key_file = "/tls.key"
`);
  const environment = { MLS_AS_PORT: "2", MLS_AS_LOG_URL: "http://environment.example", MLS_AS_OIDC_AUDIENCE: "web" };
  const { settings } = readSettings(environment, file, { port: 3 });
  expect(settings).toMatchObject({ port: 3, logUrl: "http://environment.example", logWriterTokenFile: "/file" });
  expect(issuanceConfig(settings)).toMatchObject({
    certificateLifetime: 1000,
    enrolment: { first: [["oidc"]], further: [["oidc", "approval"], ["token"]] },
    oidc: { issuer: "https://id.example", audience: "web", keyOrigins: ["https://keys.example"] },
    est: { host: "127.0.0.1", port: 8442, certificateFile: "/tls.pem", keyFile: "/tls.key" },
  });
});

test.each<[string, string, string[]]>([
  ["nothing", "", ["log_url", "log_writer_token_file"]],
  ["a port that is none", 'port = "http"', ["port"]],
  ["a port out of range", "port = 70000", ["port"]],
  ["a lifetime of nothing", "certificate_lifetime = 0", ["certificate_lifetime"]],
  ["a proof that does not exist", '[enrolment]\nfirst = ["password"]', ["enrolment.first"]],
  ["no combination of proofs", "[enrolment]\nfirst = []", ["enrolment.first"]],
  ["a typing error", "certificate_lifetme = 5", ["certificate_lifetme"]],
  ["keys that are no token", 'keys = "/dev/token"', ["keys"]],
  ["a level that is none", 'log_level = "loud"', ["log_level"]],
  ["a URL of another kind", 'public_url = "ftp://as.example"', ["public_url"]],
])("%s is refused by its field", (...[, text, expected]) => {
  const environment = text === "" ? {} : LOG;
  expect(fields(() => readSettings(environment, toml(text), {}))).toEqual(expected);
});

test("a section that is half there is refused by the field that is missing", () => {
  const read = (text: string): unknown => issuanceConfig(readSettings(LOG, toml(text), {}).settings);
  expect(fields(() => read('[oidc]\nissuer = "https://id.example"'))).toEqual(["oidc.audience"]);
  expect(fields(() => read("[est]\nport = 1"))).toEqual(["est.certificate_file"]);
  expect(fields(() => read('[est]\nport = 1\ncertificate_file = "x"'))).toEqual(["est.key_file"]);
});

test("no secret is shown, and a variable that means nothing is told", () => {
  const secret = { ...LOG, MLS_AS_PIN: "hunter2hunter2" };
  expect(readSettings({ ...secret, MLS_AS_PROT: "1" }, undefined, {}).unknownVariables).toEqual(["MLS_AS_PROT"]);
  try {
    readSettings({ ...secret, MLS_AS_PORT: "x" }, undefined, {});
    expect.unreachable();
  } catch (error) {
    expect(String(error)).not.toContain("hunter2");
  }
});

test("docs/operations.md lists every setting with its variable, default and meaning", () => {
  const text = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");
  for (const { field, variable, help } of describeConfiguration(SETTINGS, "MLS_AS_")) {
    expect(text, field).toContain(`| \`${field}\` | \`${variable}\` |`);
    expect(text, field).toContain(help.replaceAll("|", "\\|"));
  }
});
