import { decodeDeviceList } from "@mls-as/mls-credentials";
import { expect, test } from "vitest";
import { ProverLog } from "../../fixtures/prover-log.js";
import { ALICE, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { KeytransLog } from "../log/keytrans-log.js";
import { LogError } from "../log/log.js";
import { Resumer } from "./resume.js";

async function setUp() {
  const prover = await ProverLog.create();
  const log = await KeytransLog.connect(prover.configuration, prover);
  const service = await TestService.create({}, { log, logId: log.logId });
  const token = await service.token(PHONE);
  const body = { csrs: [await service.csr(PHONE)], enrolment: { token } };
  const logged = async () => {
    const { value } = await log.prove(ALICE);
    return decodeDeviceList(value).devices.flatMap(({ client, credentials }) =>
      credentials.map(({ status }) => [client, status]),
    );
  };
  const states = async () => (await service.store.credentials({ limit: 10 })).map(({ state }) => state);
  const send = () => service.send("POST", "/v1/credentials", body);
  return { prover, log, service, token, body, logged, states, send };
}

const declined = (): never => {
  throw new LogError("refused", "answered 400");
};

test("a log that takes an update and answers it with a refusal: what it shows counts, not what it says", async () => {
  const { prover, service, send, logged, states } = await setUp();
  prover.bend = (endpoint, answer) => (endpoint === "update" ? declined() : answer);
  const answer = await send();
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  expect(await logged()).toEqual([[PHONE, "active"]]);
  expect(await states()).toEqual(["active"]);
  expect(service.alarms).toContain("log-refused");
});

test("a log that refuses everything after it took an update: nothing is withdrawn, and it is completed later", async () => {
  const { prover, send, logged, states } = await setUp();
  let taken = false;
  prover.bend = (endpoint, answer) => {
    taken ||= endpoint === "update";
    return taken ? declined() : answer;
  };
  expect((await send()).body.code).toBe("log-unavailable");
  expect(await states()).toEqual(["pending"]);
  prover.bend = undefined;
  expect((await send()).status).toBe(201);
  expect(await logged()).toEqual([[PHONE, "active"]]);
});

test("a log that hides what it took until the request was withdrawn: it is logged as revoked when it shows", async () => {
  const { prover, service, token, send, logged, states } = await setUp();
  let withheld: Uint8Array | undefined;
  prover.intercept = async (endpoint, request) => {
    if (endpoint !== "update" || withheld !== undefined) return;
    withheld = request;
    throw new LogError("refused", "answered 400");
  };
  const refused = await send();
  expect([refused.status, refused.body.code]).toEqual([502, "log-refused"]);
  expect(await states()).toEqual([]);
  prover.intercept = undefined;
  await prover.post("update", withheld as Uint8Array);
  expect(await logged()).toEqual([[PHONE, "active"]]);
  await new Resumer(service.context).runOnce();
  expect(await logged()).toEqual([[PHONE, "revoked"]]);
  expect(service.alarms).toContain("withdrawn-but-logged");
  const again = { csrs: [await service.csr(PHONE)], enrolment: { token } };
  expect((await service.send("POST", "/v1/credentials", again)).status).toBe(201);
  expect((await logged()).map(([, status]) => status).sort()).toEqual(["active", "revoked"]);
});

test("what was withdrawn and logged all the same is shown as revoked by whatever change comes next", async () => {
  const { prover, service, send, logged } = await setUp();
  let withheld: Uint8Array | undefined;
  prover.intercept = async (endpoint, request) => {
    if (endpoint !== "update" || withheld !== undefined) return;
    withheld = request;
    throw new LogError("refused", "answered 400");
  };
  await send();
  prover.intercept = undefined;
  await prover.post("update", withheld as Uint8Array);
  expect((await service.enrol(LAPTOP)).status).toBe(201);
  expect(await logged()).toEqual([
    [LAPTOP, "active"],
    [PHONE, "revoked"],
  ]);
});

test("a search that is refused after the update withdraws nothing", async () => {
  const { prover, send, states } = await setUp();
  let taken = false;
  prover.bend = (endpoint, answer) => {
    taken ||= endpoint === "update";
    return endpoint === "search" && taken ? declined() : answer;
  };
  const refused = await send();
  expect([refused.status, refused.body.code]).toEqual([503, "log-unavailable"]);
  expect(await states()).toEqual(["pending"]);
  prover.bend = undefined;
  expect((await send()).status).toBe(201);
  expect(await states()).toEqual(["active"]);
});

test("a record that the log holds with another key is abandoned, and logged again as revoked", async () => {
  const { prover, service, send, logged, states } = await setUp();
  let flipped = false;
  prover.alter = async (endpoint, request) => {
    const [intent] = await service.store.openIntents();
    if (endpoint !== "update" || flipped || intent === undefined) return request;
    const [record] = decodeDeviceList(intent.value).devices[0]?.credentials ?? [];
    const at = Buffer.from(request).indexOf(Buffer.from(record?.spkiHash ?? []));
    expect(at).toBeGreaterThan(0);
    flipped = true;
    return Uint8Array.from(request, (octet, i) => (i === at ? octet ^ 1 : octet));
  };
  expect((await send()).body.code).toBe("log-proof-invalid");
  expect(flipped).toBe(true);
  const answer = await send();
  expect([answer.status, answer.body.code]).toEqual([409, "issuance-withdrawn"]);
  expect(await states()).toEqual(["revoked"]);
  expect(service.alarms).toContain("intent-abandoned");
  await new Resumer(service.context).runOnce();
  expect(await logged()).toEqual([[PHONE, "revoked"]]);
});
