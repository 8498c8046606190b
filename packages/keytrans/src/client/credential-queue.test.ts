import { decode, encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { KeytransError } from "../errors.js";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { MemoryLog, text } from "../fixtures/memory-log.js";
import { CredentialRequest, wireFormat } from "../structs/index.js";
import {
  type ClientState,
  createClient,
  credentialUpdateRequest,
  decodeCredentialQueue,
  decodePendingCredential,
  EMPTY_CREDENTIAL_QUEUE,
  encodeClientState,
  encodeCredentialQueue,
  encodePendingCredential,
  forgetCredential,
  MAX_QUEUED,
  type PendingCredential,
} from "./index.js";

const START = 1_000_000;
const WINDOW = 1000;
const label = text("label");

/** A log with a distinguished entry, a user who knows it, and another value right of it. */
async function setting(recent = 7) {
  const log = new MemoryLog({ suite: keyedHashSuite(), window: BigInt(WINDOW), recent });
  let now = START;
  const grow = async (after: number, value?: string): Promise<void> => {
    now += after;
    if (value === undefined) await log.append([], now);
    else await log.put(label, [text(value)], now);
  };
  await grow(0);
  await grow(10, "first");
  const client = createClient({ suite: log.suite, configuration: log.configuration, recent });
  const walk = async (state: ClientState): Promise<ClientState> => {
    const prepared = client.prepareDistinguished(state);
    return (await prepared.verify(await log.prover.distinguished(prepared.request), now)).state;
  };
  const credential = (position?: number): Promise<Uint8Array> =>
    log.prover.credential(encode(CredentialRequest, { label, position }));
  return { log, client, grow, walk, credential };
}

describe("the queue of credentials", () => {
  it("keeps a credential whose distinguished entry is not known, and verifies it once it is", async () => {
    const { client, grow, walk, credential } = await setting();
    const early = await walk(client.initialState());
    for (let i = 0; i < 5; i++) await grow(WINDOW, `value ${i}`);
    const bytes = await credential();
    await expect(client.verifyCredential(early, bytes)).rejects.toMatchObject({ code: "unknown-distinguished-head" });
    const received = await client.receiveCredential(early, EMPTY_CREDENTIAL_QUEUE, bytes);
    expect(received).toEqual({ queue: { ...EMPTY_CREDENTIAL_QUEUE, unverified: [bytes] }, result: undefined });
    expect(EMPTY_CREDENTIAL_QUEUE.unverified).toEqual([]);
    expect((await client.receiveCredential(early, received.queue, bytes)).queue).toEqual(received.queue);
    const still = await client.settleCredentials(early, received.queue);
    expect(still).toEqual({ queue: received.queue, verified: [], finalized: [], refused: [], overdue: [] });

    const late = await walk(early);
    const stored = decodeCredentialQueue(encodeCredentialQueue(received.queue));
    const settled = await client.settleCredentials(late, stored);
    expect(settled.verified).toHaveLength(1);
    const direct = await client.verifyCredential(late, bytes);
    expect(settled.verified[0]?.value).toEqual(direct.value);
    expect(settled.refused).toEqual([]);
    expect(settled.queue.unverified).toEqual([]);
  });

  it("drops what turns out to be wrong, with the reason", async () => {
    const { client, grow, walk, credential } = await setting();
    const early = await walk(client.initialState());
    await grow(WINDOW, "second");
    await grow(WINDOW);
    const bytes = await credential();
    const changed = bytes.slice();
    changed[label.length + 8] = (changed[label.length + 8] as number) ^ 1;
    const { queue } = await client.receiveCredential(early, EMPTY_CREDENTIAL_QUEUE, changed);
    expect(queue.unverified).toHaveLength(1);
    const settled = await client.settleCredentials(await walk(early), queue);
    expect(settled.refused).toMatchObject([{ bytes: changed, error: { name: "KeytransError" } }]);
    expect(settled.queue).toEqual(EMPTY_CREDENTIAL_QUEUE);
    await expect(client.receiveCredential(early, queue, bytes.subarray(1))).rejects.toMatchObject({
      code: "malformed",
    });
  });

  it("refuses a credential whose entry is no longer recent, and one beyond the bound", async () => {
    const { client, grow, walk, credential, log } = await setting(2);
    const bytes = await credential(0);
    for (let i = 0; i < 6; i++) await grow(WINDOW);
    const state = await walk(client.initialState());
    expect(state.distinguished).toHaveLength(2);
    await expect(client.receiveCredential(state, EMPTY_CREDENTIAL_QUEUE, bytes)).rejects.toMatchObject({
      code: "unknown-distinguished-head",
    });
    await grow(WINDOW);
    await grow(WINDOW);
    const { Credential } = wireFormat(log.suite, log.configuration);
    const ahead = decode(Credential, await credential());
    let queue = EMPTY_CREDENTIAL_QUEUE;
    for (let i = 0; i < MAX_QUEUED; i++) {
      const other = encode(Credential, { ...ahead, version: i });
      ({ queue } = await client.receiveCredential(state, queue, other));
    }
    expect(queue.unverified).toHaveLength(MAX_QUEUED);
    const one = encode(Credential, { ...ahead, version: MAX_QUEUED });
    await expect(client.receiveCredential(state, queue, one)).rejects.toBeInstanceOf(KeytransError);
  });

  it.each([
    ["comes before the head it leads to is known", true],
    ["comes after", false],
  ])("finally verifies a provisional credential with an update that %s", async (_, before) => {
    const { log, client, grow, walk, credential } = await setting();
    for (let i = 0; i < 6; i++) await grow(WINDOW);
    let state = await walk(client.initialState());
    const base = state.distinguished.at(-1)?.position;
    await grow(10, "second");
    const bytes = await credential(base);
    const received = await client.receiveCredential(state, EMPTY_CREDENTIAL_QUEUE, bytes);
    expect(received.result).toMatchObject({ final: false, version: 1, value: text("second"), position: base });
    const [pending] = received.queue.provisional as [PendingCredential];
    expect(decodePendingCredential(encodePendingCredential(pending))).toEqual(pending);
    expect(decodeCredentialQueue(encodeCredentialQueue(received.queue))).toEqual(received.queue);
    expect(pending).toMatchObject({ position: base, value: text("second") });

    let update: Uint8Array | undefined;
    for (let i = 0; update === undefined; i++) {
      await grow(Math.floor(WINDOW / 3));
      update = await log.prover.credentialUpdate(credentialUpdateRequest(pending)).catch(() => undefined);
      if (i > 30) throw new Error("no update was ever due");
    }
    const unchanged = encodeClientState(state);
    let { queue } = received;
    if (before) {
      const early = await client.receiveCredentialUpdate(state, queue, update);
      expect(early.finalized).toBeUndefined();
      expect(early.queue.updates).toEqual([update]);
      expect((await client.receiveCredentialUpdate(state, early.queue, update)).queue).toEqual(early.queue);
      queue = decodeCredentialQueue(encodeCredentialQueue(early.queue));
      expect(queue).toEqual(early.queue);
      expect((await client.settleCredentials(state, queue)).finalized).toEqual([]);
      expect(encodeClientState(state)).toEqual(unchanged);
      state = await walk(state);
      const settled = await client.settleCredentials(state, queue);
      expect(settled.finalized).toEqual([pending]);
      expect(settled.queue).toEqual(EMPTY_CREDENTIAL_QUEUE);
      // An update that is none of its own does not make it final, and stays for what it belongs to.
      const strange = Uint8Array.of(1, 2, 3);
      const others = { ...EMPTY_CREDENTIAL_QUEUE, updates: [strange, update] };
      const beside = await client.receiveCredential(state, others, bytes);
      expect(beside).toMatchObject({ queue: { updates: [strange], provisional: [] }, result: { final: true } });
      const alone = await client.receiveCredential(state, { ...EMPTY_CREDENTIAL_QUEUE, updates: [strange] }, bytes);
      expect(alone.queue).toEqual({ unverified: [], provisional: [pending], updates: [strange] });
      expect(alone.result?.final).toBe(false);
      // The credential itself may come after its update.
      const again = await client.receiveCredential(state, { ...EMPTY_CREDENTIAL_QUEUE, updates: [update] }, bytes);
      expect(again.queue.updates).toEqual([]);
      expect(again.result).toMatchObject({ final: true, pending: undefined });
    } else {
      state = await walk(state);
      expect((await client.settleCredentials(state, queue)).finalized).toEqual([]);
      const late = await client.receiveCredentialUpdate(state, queue, update);
      expect(late.finalized).toEqual(pending);
      expect(late.queue).toEqual(EMPTY_CREDENTIAL_QUEUE);
    }
    const changed = update.slice();
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
    const wrong = await client.settleCredentials(state, { ...received.queue, updates: [changed] });
    expect(wrong.refused).toMatchObject([{ bytes: changed }]);
    expect(wrong.queue.provisional).toEqual(received.queue.provisional);
    await expect(client.receiveCredentialUpdate(state, received.queue, changed)).rejects.toBeInstanceOf(KeytransError);
    await expect(client.receiveCredentialUpdate(state, EMPTY_CREDENTIAL_QUEUE, update)).rejects.toMatchObject({
      code: "missing-state",
    });
  });

  it("says which credentials expired before they were final, and forgets on request", async () => {
    const { client, grow, walk, credential } = await setting(2);
    for (let i = 0; i < 6; i++) await grow(WINDOW);
    const state = await walk(client.initialState());
    const base = state.distinguished.at(-1)?.position;
    await grow(10, "second");
    const { queue } = await client.receiveCredential(state, EMPTY_CREDENTIAL_QUEUE, await credential(base));
    expect((await client.settleCredentials(state, queue)).overdue).toEqual([]);
    const [pending] = queue.provisional as [PendingCredential];
    // The log goes on without the user, until nothing known here reaches the terminal entry.
    for (let i = 0; i < 12; i++) await grow(WINDOW);
    const later = await walk(client.initialState());
    const settled = await client.settleCredentials(later, queue);
    expect(settled.overdue).toEqual([pending]);
    expect(forgetCredential(settled.queue, pending)).toEqual(EMPTY_CREDENTIAL_QUEUE);
    const other = { ...pending, version: 9 };
    const both = { ...settled.queue, provisional: [other, pending] };
    expect(forgetCredential(both, pending).provisional).toEqual([other]);
  });

  it("finds the terminal entry distinguished, and refuses one that differs from the entry known", async () => {
    const { client, grow, walk, credential } = await setting();
    for (let i = 0; i < 6; i++) await grow(WINDOW);
    let state = await walk(client.initialState());
    await grow(10, "second");
    const base = state.distinguished.at(-1)?.position;
    const { queue } = await client.receiveCredential(state, EMPTY_CREDENTIAL_QUEUE, await credential(base));
    const [pending] = queue.provisional as [PendingCredential];
    for (let i = 0; i < 4; i++) await grow(WINDOW);
    state = await walk(state);
    const known = {
      ...(state.distinguished.at(-1) as (typeof state.distinguished)[number]),
      position: pending.terminal,
    };
    const knowing = { ...state, distinguished: [{ ...known, prefixRoot: pending.prefixRoot }] };
    await expect(client.verifyCredentialUpdate(knowing, pending, Uint8Array.of(0, 0, 0, 0))).rejects.toMatchObject({
      name: "KeytransError",
    });
    expect((await client.settleCredentials(knowing, queue)).finalized).toEqual([pending]);
    const forked = { ...state, distinguished: [{ ...known, prefixRoot: new Uint8Array(32) }] };
    const settled = await client.settleCredentials(forked, queue);
    expect(settled.refused).toMatchObject([{ pending, error: { code: "distinguished-head-mismatch" } }]);
    expect(settled.queue).toEqual(EMPTY_CREDENTIAL_QUEUE);
  });

  it("keeps what comes before any walk, and an update beside a credential whose own head is not known", async () => {
    const { client, credential, log } = await setting();
    const { Credential } = wireFormat(log.suite, log.configuration);
    const state = client.initialState();
    for (const position of [0, 1, 9]) {
      const bytes = encode(Credential, { ...decode(Credential, await credential(0)), position });
      const { queue } = await client.receiveCredential(state, EMPTY_CREDENTIAL_QUEUE, bytes);
      expect(queue.unverified).toEqual([bytes]);
      const update = Uint8Array.of(position);
      const received = await client.receiveCredentialUpdate(state, queue, update);
      expect(received).toEqual({ queue: { ...queue, updates: [update] }, finalized: undefined });
    }
  });

  it("tells why an update is refused, and how many may wait", async () => {
    const { client, grow, walk, credential } = await setting();
    for (let i = 0; i < 6; i++) await grow(WINDOW);
    const state = await walk(client.initialState());
    await grow(10, "second");
    const bytes = await credential(state.distinguished.at(-1)?.position);
    const { queue } = await client.receiveCredential(state, EMPTY_CREDENTIAL_QUEUE, bytes);
    const malformed = { code: "malformed", path: expect.stringMatching(/^update/) };
    await expect(client.receiveCredentialUpdate(state, queue, new Uint8Array())).rejects.toMatchObject(malformed);
    const two = { ...queue, provisional: [...queue.provisional, ...queue.provisional] };
    await expect(client.receiveCredentialUpdate(state, two, new Uint8Array())).rejects.toMatchObject(malformed);
    const updates = Array.from({ length: MAX_QUEUED }, (_, i) => Uint8Array.of(i));
    const waiting = { ...EMPTY_CREDENTIAL_QUEUE, unverified: [bytes], updates };
    await expect(client.receiveCredentialUpdate(state, waiting, new Uint8Array(9))).rejects.toMatchObject({
      code: "invalid-argument",
      path: "queue",
    });
    const full = { ...queue, provisional: Array.from({ length: MAX_QUEUED }, () => queue.provisional[0] as never) };
    await expect(client.receiveCredential(state, full, bytes)).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it("refuses stored bytes of another format", () => {
    const stored = encodeCredentialQueue(EMPTY_CREDENTIAL_QUEUE);
    expect(() => decodeCredentialQueue(stored.with(1, 2))).toThrow(/unknown queue format/);
    expect(() => decodeCredentialQueue(stored.subarray(1))).toThrow(
      expect.objectContaining({ code: "malformed", path: expect.stringMatching(/^queue/) }),
    );
    expect(() => decodePendingCredential(stored)).toThrow(KeytransError);
    expect(() => decodePendingCredential(new Uint8Array())).toThrow(
      expect.objectContaining({ code: "malformed", path: expect.stringMatching(/^pending/) }),
    );
  });
});
