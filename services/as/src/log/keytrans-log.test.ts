import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ProverLog } from "../../fixtures/prover-log.js";
import { ALICE, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { Resumer } from "../issuance/resume.js";
import { KeytransLog } from "./keytrans-log.js";
import { LogError } from "./log.js";
import { httpLogTransport } from "./transport.js";

async function serviceOn(prover: ProverLog): Promise<TestService> {
  const log = await KeytransLog.connect(prover.configuration, prover);
  return await TestService.create({}, { log, logId: log.logId });
}

const states = async (service: TestService): Promise<string[]> =>
  (await service.store.credentials({ limit: 10 })).map(({ state }) => state);

test("credentials are issued over a real log, and what another service logged is built upon", async () => {
  const prover = await ProverLog.create();
  const [here, there] = [await serviceOn(prover), await serviceOn(prover)];
  expect((await here.enrol(PHONE)).body.log?.version).toBe(0);
  expect((await there.enrol(LAPTOP)).body.log?.version).toBe(1);
  expect((await here.enrol(`${PHONE}2`)).body.log?.version).toBe(2);
  expect(
    (await there.admin("POST", "/devices/revocation", { client: LAPTOP, reason: "superseded" })).body.version,
  ).toBe(3);
  expect(here.alarms).toEqual([]);
});

const flip = (answer: Uint8Array, at: number): Uint8Array =>
  Uint8Array.from(answer, (octet, i) => (i === at ? octet ^ 1 : octet));

/** Octets of an update's answer that hold the opening: where a search proves the value, they are not used. */
function opening(answer: Uint8Array, value: Uint8Array): Set<number> {
  const end = value.length === 0 ? -1 : Buffer.from(answer).indexOf(value) + value.length;
  return new Set(end < value.length ? [] : Array.from({ length: 16 }, (_, i) => end + 1 + i));
}

test.each(["owner-init", "update", "search"])(
  "a log that bends its answer to %s anywhere: nothing is signed, an alarm, and the intent is resumed",
  async (endpoint) => {
    const prover = await ProverLog.create();
    const service = await serviceOn(prover);
    const body = { csrs: [await service.csr(PHONE)], enrolment: { token: await service.token(PHONE) } };
    let length = 0;
    let logged = new Uint8Array();
    for (let i = 0; i === 0 || i < length; i += 7) {
      prover.bend = (at, answer) => {
        if (at !== endpoint) return answer;
        ({ length } = answer);
        return flip(answer, at === "update" && opening(answer, logged).has(i) ? 0 : i);
      };
      const answer = await service.send("POST", "/v1/credentials", body);
      logged = new Uint8Array((await service.store.openIntents())[0]?.value ?? []);
      expect([answer.status, answer.body.code], `octet ${i} of ${length}`).toEqual([502, "log-proof-invalid"]);
    }
    expect((await states(service)).filter((state) => state !== "pending")).toEqual([]);
    prover.bend = (at, answer) => (at === endpoint ? answer.subarray(0, -1) : answer);
    expect((await service.send("POST", "/v1/credentials", body)).body.code).toBe("log-proof-invalid");
    prover.bend = undefined;
    await new Resumer(service.context).runOnce();
    const answer = await service.send("POST", "/v1/credentials", body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    expect(answer.body.log?.version).toBe(0);
    if (endpoint !== "owner-init") expect(service.alarms).toContain("log-proof-invalid");
  },
  120_000,
);

test("an answer that is the right one to another request is refused", async () => {
  const prover = await ProverLog.create();
  const service = await serviceOn(prover);
  let kept: Uint8Array | undefined;
  prover.bend = (endpoint, answer) => {
    if (endpoint === "update") kept ??= answer;
    return answer;
  };
  expect((await service.enrol(PHONE)).status).toBe(201);
  prover.bend = (endpoint, answer) => (endpoint === "update" && kept !== undefined ? kept : answer);
  expect((await service.enrol(LAPTOP)).body.code).toBe("log-proof-invalid");
  expect((await states(service)).sort()).toEqual(["active", "pending"]);
});

test("another log under the same address is not the log", async () => {
  const [one, other] = [await ProverLog.create(), await ProverLog.create()];
  const log = await KeytransLog.connect(one.configuration, other);
  await expect(log.open(ALICE)).rejects.toMatchObject({ code: "proof-invalid" });
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([
  ["never answers", "unavailable", () => {}],
  ["answers 503", "unavailable", (_q: unknown, r: { writeHead(s: number): { end(): void } }) => r.writeHead(503).end()],
  [
    "does not know the writer",
    "unavailable",
    (_q: unknown, r: { writeHead(s: number): { end(): void } }) => r.writeHead(401).end(),
  ],
  ["declines", "refused", (_q: unknown, r: { writeHead(s: number): { end(): void } }) => r.writeHead(400).end()],
  [
    "redirects",
    "unavailable",
    (_q: unknown, r: { writeHead(s: number, h?: object): { end(): void } }) =>
      r.writeHead(307, { location: "http://127.0.0.1:1/" }).end(),
  ],
  [
    "never stops",
    "proof-invalid",
    (_q: unknown, r: { write(c: Buffer, cb?: () => void): boolean }) => {
      const more = (): void => void r.write(Buffer.alloc(1 << 20), more);
      more();
    },
  ],
] as const)("a log that %s is %s", async (_what, code, answer) => {
  const url = await listen(answer as Parameters<typeof createServer>[1]);
  const transport = httpLogTransport({ url, writerToken: "w", timeout: code === "proof-invalid" ? 10_000 : 300 });
  const error = await transport.post("update", new Uint8Array(4)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(LogError);
  expect((error as LogError).code).toBe(code);
});
