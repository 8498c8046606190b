import { decodeDeviceList } from "@mls-as/mls-credentials";
import { expect, test } from "vitest";
import { ProverLog } from "../../fixtures/prover-log.js";
import { ALICE, LAPTOP, PHONE, TestService } from "../../fixtures/service-fixture.js";
import { KeytransLog, type StateKeeper } from "./keytrans-log.js";
import type { LogTransport } from "./transport.js";

const phoneOf = (user: string): string => `mimi://mls.example/d/${user}/phone`;

/** A log address behind which the log can be exchanged. */
class Address implements LogTransport {
  readonly url = "memory:";
  /** Which log answers a request to an endpoint. */
  answering: (endpoint: string) => ProverLog;

  constructor(log: ProverLog) {
    this.answering = () => log;
  }
  get(): Promise<Uint8Array> {
    return this.answering("configuration").get();
  }
  post(endpoint: string, body: Uint8Array): Promise<Uint8Array> {
    return this.answering(endpoint).post(endpoint, body);
  }
}

async function setUp() {
  const log = await ProverLog.create();
  const address = new Address(log);
  const first = await TestService.create();
  const { store } = first;
  const keeper: StateKeeper = {
    load: () => store.raisedMeta("seen-log"),
    save: (treeSize, state) => store.raiseMeta("seen-log", treeSize, state),
  };
  /** The service as a process that starts on the same store. */
  const start = async (): Promise<TestService> => {
    const connected = await KeytransLog.connect(log.configuration, address, keeper);
    return await TestService.create({}, { log: connected, logId: connected.logId });
  };
  return { log, address, keeper, start };
}

const outcome = async (service: TestService, client: string) => {
  const { status, body } = await service.enrol(client);
  return [status, body.code];
};
const states = async (service: TestService): Promise<string[]> =>
  (await service.store.credentials({ limit: 50 })).map(({ state }) => state);

test.each(["running", "restarted"])(
  "a log that was put back gets nothing signed, for labels old and new, by a service that is %s",
  async (how) => {
    const { log, address, start } = await setUp();
    let service = await start();
    expect(await outcome(service, PHONE)).toEqual([201, undefined]);
    const { size } = log;
    expect(await outcome(service, phoneOf("carol"))).toEqual([201, undefined]);
    const restored = log.asItWas(size);
    address.answering = () => restored;
    if (how === "restarted") service = await start();
    const before = await states(service);
    expect(await outcome(service, phoneOf("bob"))).toEqual([502, "log-proof-invalid"]);
    if (how === "running") expect(await outcome(service, LAPTOP)).toEqual([502, "log-proof-invalid"]);
    expect(service.alarms).toContain("log-proof-invalid");
    // Put back and grown again, by somebody else's entries, it is still another history.
    const elsewhere = await KeytransLog.connect(log.configuration, restored);
    for (const user of ["eve", "mallory", "trent"]) {
      const label = `mimi://mls.example/u/${user}`;
      await elsewhere.append(label, await elsewhere.open(label), new Uint8Array(3));
    }
    expect(restored.size).toBeGreaterThan(log.size);
    expect(await outcome(service, phoneOf("bob"))).toEqual([502, "log-proof-invalid"]);
    expect((await states(service)).filter((state) => state === "active")).toEqual(
      before.filter((state) => state === "active"),
    );
  },
);

test("a log that answers updates in one history and searches in another is found out, at equal sizes and not", async () => {
  for (const entries of [1, 2, 3]) {
    const { log, address, start } = await setUp();
    const service = await start();
    expect(await outcome(service, PHONE)).toEqual([201, undefined]);
    const fork = log.asItWas(log.size);
    let forked = false;
    address.answering = (endpoint) => (forked && endpoint === "search" ? fork : log);
    log.intercept = async (endpoint, request) => {
      if (endpoint !== "update" || forked) return;
      forked = true;
      // The other history holds the same change, after changes of its own.
      const elsewhere = await KeytransLog.connect(log.configuration, fork);
      for (let i = 1; i < entries; i++) {
        const label = `mimi://mls.example/u/other${i}`;
        await elsewhere.append(label, await elsewhere.open(label), new Uint8Array(3));
      }
      await fork.post("update", request);
    };
    const answer = await outcome(service, phoneOf("dave"));
    expect(answer, `${entries} entries`).not.toEqual([201, undefined]);
    expect((await states(service)).sort()).toEqual(["active", "pending"]);
  }
});

test("the newest tree is kept before anything is signed, and a service that starts later asks from it", async () => {
  const { log, address, keeper, start } = await setUp();
  const service = await start();
  await service.enrol(PHONE);
  const kept = await keeper.load();
  expect(kept).toBeDefined();
  const sizes: number[] = [];
  log.intercept = async (_endpoint, request) => {
    // optional<uint64> last
    if (request[0] === 1) sizes.push(Number(Buffer.from(request).readBigUInt64BE(1)));
  };
  const later = await start();
  expect((await later.enrol(phoneOf("bob"))).status).toBe(201);
  expect(sizes[0]).toBe(2);
  address.answering = () => log;
  const { body } = await service.enrol(LAPTOP);
  expect(decodeDeviceList(Buffer.from(body.log?.deviceList ?? "", "base64url")).identity).toBe(ALICE);
});

test("many changes at once, of two services on one log, are all placed", async () => {
  const { start } = await setUp();
  const services = [await start(), await start()];
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => outcome(services[i % 2] as TestService, phoneOf(`user${i}`))),
  );
  expect(answers).toEqual(answers.map(() => [201, undefined]));
  expect(services.flatMap(({ alarms }) => alarms)).toEqual([]);
});
