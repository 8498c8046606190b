import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLog, readDirectory } from "@mls-as/mls-credentials/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentNarrator } from "../../demo/narrator.js";
import { type Report, runScenario } from "../../demo/scenario.js";
import { portOf, type Service, startAuthenticationService, startLog } from "./services.js";

/** What `npm run -s demo` tells, asserted, with the two services in processes of their own. */
describe("the main job, end to end", () => {
  let folder: string;
  let log: Service;
  let as: Service;
  let report: Report;
  const logDir = (): string => join(folder, "kt-log");
  const asDir = (): string => join(folder, "as");

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mls-as-e2e-"));
    log = await startLog(logDir());
    as = await startAuthenticationService(asDir(), { url: log.url, dataDir: logDir() });
    report = await runScenario({ asUrl: as.url, logUrl: log.url, asDataDir: asDir() }, silentNarrator);
  });
  afterAll(async () => {
    await as.stop();
    await log.stop();
    await rm(folder, { recursive: true });
  });

  test("three devices of two people enrolled, the second approved by the first", () => {
    expect(report.enrolled).toHaveLength(3);
  });

  test("members validated each other with proofs", () => {
    // The creator judges both KeyPackages it adds; each joiner judges the whole tree.
    expect(report.validated).toBeGreaterThanOrEqual(6);
  });

  test("a certificate outside the log is refused where the policy requires transparency, and found where it only advises", () => {
    const [attack] = report.attacks;
    expect(attack).toMatchObject({ kind: "unlogged-certificate", finding: "UNLOGGED_LEAF", refused: true });
    expect(attack?.detectedBy).toEqual([report.enrolled[2]]);
  });

  test("a ghost that is properly logged under Alice's name is seen by both of Alice's devices, and by nobody else", () => {
    const [, attack] = report.attacks;
    expect(attack).toMatchObject({ kind: "logged-ghost", finding: "SELF_UNKNOWN_IN_LOG", refused: false });
    expect(attack?.detectedBy).toEqual(report.enrolled.slice(0, 2));
  });

  test("a revoked device that stays in the group is reported by the other members", () => {
    expect(report.revoked).toMatchObject({ client: report.enrolled[1], finding: "REMOVED_DEVICE_PRESENT" });
    expect(report.revoked.detectedBy).toEqual([report.enrolled[0], report.enrolled[2]]);
  });

  test("started again on the same folders, the CA and the log go on", async () => {
    const before = await readDirectory(as.url);
    const ports = { log: portOf(log), as: portOf(as) };
    await as.stop();
    await log.stop();
    log = await startLog(logDir(), { port: ports.log });
    as = await startAuthenticationService(asDir(), { url: log.url, dataDir: logDir() }, { port: ports.as });
    expect(await readDirectory(as.url)).toEqual(before);
    const client = await openLog(before.log);
    const { list, treeSize } = await client.lookup("mimi://mls.example/u/alice");
    expect(treeSize).toBeGreaterThanOrEqual(report.log.size);
    expect(list.devices.map((device) => device.client)).toEqual([
      "mimi://mls.example/d/alice/backup",
      "mimi://mls.example/d/alice/laptop",
      "mimi://mls.example/d/alice/phone",
    ]);
  });
});
