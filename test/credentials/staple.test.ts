import { CredentialRequest, logId as logIdOf } from "@mls-as/keytrans";
import { type ClientState, createClient } from "@mls-as/keytrans/client";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  defaultPolicy,
  deviceListHash,
  encodeDeviceList,
  encodePolicy,
  judgeAcceptance,
  parseCertificate,
  preparePolicy,
  STAPLE_EXTENSION_TYPE,
  StapleError,
  type StapleErrorCode,
  stapleExtension,
  stapleOf,
  tbsCertificateHash,
  toBase64Url,
  type ValidationPolicy,
  verifyStaple,
} from "@mls-as/mls-credentials";
import { encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { keyedHashSuite } from "../../packages/keytrans/src/fixtures/keyed-hash-suite.js";
import { MemoryLog } from "../../packages/keytrans/src/fixtures/memory-log.js";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../conformance/example-certificates.js";
import { ALICE, exampleKey, listOf, PHONE, recordOf, START } from "../conformance/example-devices.js";

const DAY = 86_400;
const WINDOW = 1000;
const label = new TextEncoder().encode(ALICE);

/** A log in which Alice's phone stands, and a contact who walked its distinguished heads. */
async function world() {
  const log = new MemoryLog({ suite: keyedHashSuite(), window: BigInt(WINDOW) });
  const logId = logIdOf(log.configuration);
  const root = await exampleRoot();
  const issuer = await exampleIssuer(root);
  const key = exampleKey("phone");
  const leaf = await exampleLeaf({ serial: "1", issuer, key, names: [ALICE, PHONE] });
  const record = {
    ...recordOf({ certificate: "1", key, notBefore: START }),
    tbsCertificateHash: tbsCertificateHash(parseCertificate(leaf)),
  };
  const first = listOf(0, "enrolment", [{ client: PHONE, addedAt: BigInt(START), credentials: [record] }]);
  const values = [encodeDeviceList(first)];
  values.push(
    encodeDeviceList({
      ...first,
      version: 1,
      origin: "renewal",
      previousHash: deviceListHash(values[0] as Uint8Array),
    }),
  );
  let now = (START + DAY) * 1000;
  const grow = async (value?: Uint8Array, of = label): Promise<void> => {
    now += WINDOW + 1;
    if (value === undefined) await log.append([], now);
    else await log.put(of, [value], now);
  };
  const client = createClient({ suite: log.suite, configuration: log.configuration });
  const walk = async (state: ClientState = client.initialState()): Promise<ClientState> => {
    const prepared = client.prepareDistinguished(state);
    return (await prepared.verify(await log.prover.distinguished(prepared.request), now)).state;
  };
  const credential = (of = label) =>
    log.prover.credential(encode(CredentialRequest, { label: of, position: undefined }));
  await grow();
  await grow(values[0]);
  await grow();
  return {
    log,
    logId,
    root,
    issuer,
    leaf,
    key,
    values,
    client,
    grow,
    walk,
    credential,
    seconds: () => Math.floor(now / 1000),
  };
}

async function codeOf(promise: Promise<unknown>): Promise<StapleErrorCode | undefined> {
  return await promise.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof StapleError) return error.code;
      throw error;
    },
  );
}

describe("a stapled credential", () => {
  it("is found in the leaf, then in the KeyPackage", () => {
    const [a, b] = [stapleExtension(Uint8Array.of(1)), stapleExtension(Uint8Array.of(2))];
    expect(a.extensionType).toBe(STAPLE_EXTENSION_TYPE);
    expect(stapleOf([{ extensionType: 1, extensionData: new Uint8Array() }, a], [b])).toEqual(Uint8Array.of(1));
    expect(stapleOf([], [b])).toEqual(Uint8Array.of(2));
    expect(stapleOf([], [])).toBeUndefined();
  });

  it("proves a user's devices offline, and the verifier accepts by it", async () => {
    const { client, walk, credential, root, issuer, leaf, key, logId, seconds } = await world();
    const state = await walk();
    const { devices, pending } = await verifyStaple(await credential(), { client, state, user: ALICE });
    expect(pending).toBeUndefined();
    expect(devices).toMatchObject({ source: "staple", list: { version: 0, identity: ALICE } });
    const judge = (changes: Partial<ValidationPolicy>, later = 0) => {
      const domains = { "example.org": { anchors: [toBase64Url(root.certificate)], logId: toBase64Url(logId) } };
      const policy = preparePolicy(encodePolicy({ ...defaultPolicy(domains), transparency: "stapled", ...changes }));
      return judgeAcceptance(
        { certificates: [leaf, issuer.certificate], signatureKey: key.publicKey, signatureScheme: 0x0807 },
        { user: ALICE },
        { policy, provider: nodeProvider, time: seconds() + later, timeSource: "pin", devices },
      );
    };
    expect((await judge({})).accepted).toBe(true);
    expect((await judge({ oldestStaple: 3600 }, 7200)).reasons.map(({ code }) => code)).toEqual(["staple-too-old"]);
  });

  it("of a change right of the last distinguished entry is provisional", async () => {
    const { log, client, walk, credential, values } = await world();
    // Milliseconds apart, entries are not distinguished.
    const soon = (): number => (log.store.head()?.timestamp ?? 0) + 1;
    for (let i = 0; i < 3; i++) await log.append([], soon());
    await log.put(label, [values[1] as Uint8Array], soon());
    const { devices, pending } = await verifyStaple(await credential(), { client, state: await walk(), user: ALICE });
    expect(devices.list.version).toBe(1);
    expect(pending).toMatchObject({ version: 1 });
  });

  it("never takes a client back to a version before one it has seen", async () => {
    const { client, walk, credential, grow, values } = await world();
    const old = await credential();
    await grow(values[1]);
    await grow();
    const state = await walk();
    expect(await codeOf(verifyStaple(old, { client, state, user: ALICE, seenVersion: 0 }))).toBeUndefined();
    expect(await codeOf(verifyStaple(old, { client, state, user: ALICE, seenVersion: 1 }))).toBe("older-than-seen");
    const fresh = await verifyStaple(await credential(), { client, state, user: ALICE, seenVersion: 1 });
    expect(fresh.devices.list.version).toBe(1);
  });

  it("is refused for another user, with any byte changed, and when its value is no device list", async () => {
    const { client, walk, credential, grow } = await world();
    const bob = new TextEncoder().encode("mimi://example.org/u/bob");
    await grow(new TextEncoder().encode("not a list"), bob);
    await grow();
    const state = await walk();
    const bytes = await credential();
    expect(await codeOf(verifyStaple(bytes, { client, state, user: "mimi://example.org/u/bob" }))).toBe(
      "staple-of-other-user",
    );
    for (let i = 0; i < bytes.length; i++) {
      const flipped = bytes.map((byte, at) => (at === i ? byte ^ 0x01 : byte));
      expect(await codeOf(verifyStaple(flipped, { client, state, user: ALICE })), `byte ${i}`).toBeDefined();
    }
    expect(await codeOf(verifyStaple(bytes.subarray(1), { client, state, user: ALICE }))).toBe("invalid-staple");
    const ofBob = await credential(bob);
    expect(await codeOf(verifyStaple(ofBob, { client, state, user: "mimi://example.org/u/bob" }))).toBe(
      "invalid-device-list",
    );
  });

  it("waits for a head that is not known yet", async () => {
    const { client, walk, credential, grow } = await world();
    const early = await walk();
    for (let i = 0; i < 3; i++) await grow();
    const bytes = await credential();
    expect(await codeOf(verifyStaple(bytes, { client, state: early, user: ALICE }))).toBe("unknown-head");
    expect(await codeOf(verifyStaple(bytes, { client, state: await walk(early), user: ALICE }))).toBeUndefined();
  });
});
