import { decodeDeviceList } from "@mls-as/mls-credentials";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { subjectKeyPair } from "../../services/as/fixtures/certificate-signing-request.js";
import { Device } from "../../services/as/fixtures/device.js";
import { ProverLog } from "../../services/as/fixtures/prover-log.js";
import { ALICE, TestService } from "../../services/as/fixtures/service-fixture.js";
import { firstBrokenEntry, NO_PREVIOUS_ENTRY } from "../../services/as/src/audit.js";
import { Resumer } from "../../services/as/src/issuance/resume.js";
import { KeytransLog } from "../../services/as/src/log/keytrans-log.js";
import { PostgresStore } from "../../services/as/src/storage/postgres.js";
import { Sealing } from "../../services/as/src/storage/sealing.js";
import {
  type PostgresServer,
  postgresBinaries,
  startPostgres,
} from "../../services/kt-log/fixtures/postgres-server.js";

const binaries = postgresBinaries();
const device = (name: string): string => `mimi://mls.example/d/alice/${name}`;

/** Each with its own connections, queue of labels and view of the log, as separate processes have them. */
describe.skipIf(binaries === undefined)("several services on one PostgreSQL", () => {
  let server: PostgresServer;
  let services: TestService[];
  let log: KeytransLog;

  beforeAll(async () => {
    server = await startPostgres(binaries ?? "");
    const url = server.database("several");
    const prover = await ProverLog.create();
    log = await KeytransLog.connect(prover.configuration, prover);
    services = [];
    for (let i = 0; i < 3; i++) {
      const store = await PostgresStore.open(url, new Sealing(new Uint8Array(32).fill(1)), 4);
      const view = await KeytransLog.connect(prover.configuration, prover);
      services.push(await TestService.create({}, { store, log: view, logId: view.logId }));
    }
  });
  afterAll(async () => {
    for (const { store } of services) await store.close();
    server.stop();
  });

  const at = (i: number): TestService => services[i % services.length] as TestService;

  test("devices of one user that enrol everywhere at once all get in, in versions of their own", async () => {
    const clients = Array.from({ length: 9 }, (_, i) => device(`device-${i}`));
    const answers = await Promise.all(clients.map((client, i) => at(i).enrol(client)));
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(clients.map(() => [201, undefined]));
    expect(new Set(answers.map(({ body }) => body.log?.version))).toEqual(new Set(clients.map((_, i) => i)));
    const { value } = await log.prove(ALICE);
    expect(decodeDeviceList(value).devices).toHaveLength(9);
  });

  test("a token that is shown to all of them at once is spent once", async () => {
    const client = device("contended");
    const token = await at(0).token(client);
    const bodies = await Promise.all(
      Array.from({ length: 9 }, async (_, i) => ({ csrs: [await at(i).csr(client)], enrolment: { token } })),
    );
    const answers = await Promise.all(bodies.map((body, i) => at(i).send("POST", "/v1/credentials", body)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === "token-spent")).toHaveLength(8);
    // The same request may be repeated anywhere.
    const won = answers.findIndex(({ status }) => status === 201);
    const again = await Promise.all(services.map((one) => one.send("POST", "/v1/credentials", bodies[won])));
    for (const answer of again) expect(answer.body).toEqual(answers[won]?.body);
  });

  test("one request that is sent to all of them at once is one issuance", async () => {
    const client = device("repeated");
    const body = { csrs: [await at(0).csr(client)], enrolment: { token: await at(1).token(client) } };
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => at(i).send("POST", "/v1/credentials", body)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  });

  test("a revocation here counts there at once, and resuming everywhere does nothing twice", async () => {
    const key = subjectKeyPair();
    const phone = await Device.enrol(at(0), device("phone"), key);
    const before = (await log.prove(ALICE)).version;
    const revoked = await at(1).admin("POST", "/devices/revocation", { client: phone.client, reason: "keyCompromise" });
    expect([revoked.status, revoked.body.version]).toEqual([200, before + 1]);
    Object.assign(phone, { service: at(2) });
    expect((await phone.renew(subjectKeyPair())).body.code).toBe("signer-inactive");
    expect((await at(2).enrol(phone.client, key)).body.code).toBe("key-blocked");
    await Promise.all(services.map((one) => new Resumer(one.context).runOnce()));
    expect((await log.prove(ALICE)).version).toBe(before + 1);
    const entries = await at(0).store.auditEntries({ after: 0, limit: 1000 });
    expect(firstBrokenEntry(entries, NO_PREVIOUS_ENTRY, 0)).toBeUndefined();
    expect(services.flatMap(({ alarms }) => alarms)).toEqual([]);
  });
});
