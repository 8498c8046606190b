import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeProvider } from "@mls-as/mls-core/node";
import { clientUri, judgeAcceptance, userUri } from "@mls-as/mls-credentials";
import {
  ClientError,
  type DeviceKey,
  type EnrolmentInput,
  type EnrolmentRequest,
  enrol,
  openLog,
  policyOf,
  readDirectory,
  resumeEnrolment,
} from "@mls-as/mls-credentials/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AdminClient, adminClient } from "../../demo/admin.js";
import { generateKeys } from "../../demo/device.js";
import { portOf, type Service, startAuthenticationService, startLog } from "../e2e/services.js";

const DOMAIN = "mls.example";
const ED25519 = 0x0807;

/** `kill -9` of either service at every step of an issuance: nothing acknowledged is lost, nothing exists unlogged. */
describe("issuance survives kill -9", () => {
  let folder: string;
  let log: Service;
  let as: Service;
  let admin: AdminClient;
  let count = 0;
  const logDir = (): string => join(folder, "kt-log");
  const asDir = (): string => join(folder, "as");

  const restartAs = async (failpoint?: string): Promise<void> => {
    const port = portOf(as);
    await as.kill();
    const options = failpoint === undefined ? { port } : { port, failpoint };
    as = await startAuthenticationService(asDir(), { url: log.url, dataDir: logDir() }, options);
  };
  const restartLog = async (failpoint?: string): Promise<void> => {
    const port = portOf(log);
    await log.kill();
    log = await startLog(logDir(), failpoint === undefined ? { port } : { port, failpoint });
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mls-as-fault-"));
    log = await startLog(logDir());
    as = await startAuthenticationService(asDir(), { url: log.url, dataDir: logDir() });
    admin = await adminClient(as.url, asDir());
  });
  afterAll(async () => {
    await as.kill();
    await log.kill();
    await rm(folder, { recursive: true });
  });

  /** An enrolment that a fault interrupts; what the device kept of it. */
  async function interrupted(): Promise<{ input: EnrolmentInput; request: EnrolmentRequest; token: string }> {
    const keys = generateKeys();
    const key: DeviceKey = {
      subjectPublicKeyInfo: keys.spki,
      sign: (message) => nodeProvider.sign(ED25519, keys.signKey, message),
    };
    // A person of their own for every fault: the services and their data go on from one to the next.
    const name = `alice${++count}`;
    const user = userUri(DOMAIN, name);
    const client = clientUri(DOMAIN, name, "phone");
    const token = await admin.token(user, client);
    let request: EnrolmentRequest | undefined;
    const input: EnrolmentInput = {
      service: as.url,
      log: (await readDirectory(as.url)).log,
      user,
      client,
      keys: [key],
      proof: { token },
      onRequest: (sent) => {
        request = sent;
      },
    };
    // Killed right after answering, the service may or may not have got the answer out.
    await enrol(input).catch((error: unknown) => {
      expect(error).toBeInstanceOf(ClientError);
    });
    if (request === undefined) throw new Error("the request was never sent");
    return { input, request, token };
  }

  /** Sends the kept request again until the services have found themselves. */
  async function resume(input: EnrolmentInput, request: EnrolmentRequest): ReturnType<typeof resumeEnrolment> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await resumeEnrolment(input, request);
      } catch (error) {
        const status = error instanceof ClientError ? (error.status ?? 0) : 0;
        if (status < 500 || attempt === 40) throw error;
        await sleep(250);
      }
    }
  }

  /** One logged credential that validates, no second one, and a token that is spent. */
  async function expectWhole(interruption: Awaited<ReturnType<typeof interrupted>>): Promise<void> {
    const { input, request, token } = interruption;
    const enrolment = await resume(input, request);
    expect(enrolment.credentials).toHaveLength(1);
    const directory = await readDirectory(as.url);
    const [credential] = enrolment.credentials;
    const [key] = input.keys;
    if (credential === undefined || key === undefined) throw new Error("no credential");
    const proven = await (await openLog(directory.log)).lookup(input.user);
    expect(proven.list.version).toBe(0);
    expect(proven.list.devices.flatMap(({ credentials }) => credentials)).toHaveLength(1);
    const acceptance = await judgeAcceptance(
      {
        certificates: credential.certificates,
        signatureKey: key.subjectPublicKeyInfo.slice(-32),
        signatureScheme: ED25519,
      },
      { user: input.user, client: input.client },
      {
        policy: policyOf(directory),
        provider: nodeProvider,
        time: Math.floor(Date.now() / 1000),
        timeSource: "local",
        devices: proven,
      },
    );
    expect(acceptance.standing).toBe("valid");
    // The answer is the same however often it is asked for, and the token buys nothing else.
    const again = await resume(input, request);
    expect(again.credentials[0]?.certificates).toEqual(credential.certificates);
    const other = generateKeys();
    const thief: EnrolmentInput = {
      ...input,
      keys: [
        { subjectPublicKeyInfo: other.spki, sign: (message) => nodeProvider.sign(ED25519, other.signKey, message) },
      ],
      proof: { token },
    };
    await expect(enrol(thief)).rejects.toMatchObject({ problem: "token-spent" });
  }

  test.each(["intent-journaled", "logged", "signed", "done", "answered"])("of the AS at: %s", async (failpoint) => {
    await restartAs(failpoint);
    const interruption = await interrupted();
    expect(await as.ended).toBe("SIGKILL");
    await restartAs();
    await expectWhole(interruption);
  });

  test.each(["before-head-moved", "head-moving", "after-head-moved"])("of the log at: %s", async (failpoint) => {
    await restartLog(failpoint);
    const interruption = await interrupted();
    expect(await log.ended).toBe("SIGKILL");
    await restartLog();
    await expectWhole(interruption);
  });

  test.each(["revoked", "revocation-journaled", "revocation-logged"])(
    "of the AS while it revokes, at: %s",
    async (failpoint) => {
      const { input, request } = await interrupted();
      await resume(input, request);
      await restartAs(failpoint);
      await expect(admin.revokeDevice(input.client, "superseded")).rejects.toThrow();
      expect(await as.ended).toBe("SIGKILL");
      await restartAs();
      expect(await admin.credentialStates(input.user)).toEqual(["revoked"]);
      const logged = async (): Promise<string[]> => {
        const { list } = await (await openLog(input.log)).lookup(input.user);
        return list.devices.flatMap(({ credentials }) => credentials.map(({ status }) => status));
      };
      await expect.poll(logged, { timeout: 20_000 }).toEqual(["revoked"]);
    },
  );

  test("without a repetition by the device, the service completes what it began by itself", async () => {
    await restartAs("logged");
    const { input } = await interrupted();
    expect(await as.ended).toBe("SIGKILL");
    await restartAs();
    const { list } = await (await openLog(input.log)).lookup(input.user);
    expect(list.devices.flatMap(({ credentials }) => credentials)).toHaveLength(1);
    await expect.poll(() => admin.credentialStates(input.user), { timeout: 20_000 }).toEqual(["active"]);
  });
});
