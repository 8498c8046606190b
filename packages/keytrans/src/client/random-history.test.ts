import { isDeepStrictEqual } from "node:util";
import { encode } from "@mls-as/tls-codec";
import { describe, expect, it } from "vitest";
import { keyedHashSuite } from "../fixtures/keyed-hash-suite.js";
import { CredentialRequest } from "../structs/index.js";
import { MemoryLog, seededRandom, text } from "../fixtures/memory-log.js";
import {
  type ClientState,
  createClient,
  credentialUpdateRequest,
  decodeClientState,
  encodeClientState,
  finalizeCredential,
  type KtClient,
  labelState,
  labelsToMonitor,
  type PendingCredential,
  type Prepared,
} from "./index.js";

const START = 1_700_000_000_000;
const LONG = typeof process === "object" && process.env.MLS_AS_LONG === "1";
/** Mutation testing plays short histories, many times. */
const SHORT = typeof process === "object" && process.env.MLS_AS_SHORT === "1";
const ROUNDS = SHORT ? 60 : LONG ? 6000 : 220;

/** Users who do everything the protocol offers, against one log, with whatever view each of them has. */
class Party {
  state: ClientState;
  readonly client: KtClient;

  constructor(client: KtClient) {
    this.client = client;
    this.state = client.initialState();
  }

  async run<R>(prepared: Prepared<R>, answer: (request: Uint8Array) => Promise<Uint8Array>, now: number): Promise<R> {
    const { result, state } = await prepared.verify(await answer(prepared.request), now);
    this.state = decodeClientState(encodeClientState(state));
    if (!isDeepStrictEqual(this.state, state)) throw new Error("the stored state differs");
    return result;
  }
}

describe.each([
  ["no window", 0n, 1, "contactMonitoring"],
  ["short window", 3_000n, 2, "contactMonitoring"],
  ["window of many entries", 40_000n, 3, "contactMonitoring"],
  ["window longer than the log", 10n ** 15n, 4, "contactMonitoring"],
  ["third-party management", 3_000n, 5, "thirdPartyManagement"],
  ["third-party auditing", 3_000n, 6, "thirdPartyAuditing"],
] as const)("random histories, %s", (_name, window, seed, mode) => {
  it(
    "lets owners and contacts follow an honest log",
    async () => {
      const log = new MemoryLog({ suite: keyedHashSuite(), window, pageSize: 3, mode });
      const { prover } = log;
      const random = seededRandom(seed);
      const below = (n: number): number => ((random(1)[0] as number) * 256 + (random(1)[0] as number)) % n;
      const client = createClient({ suite: log.suite, configuration: log.configuration });
      let now = START;
      await log.append([], now);
      const audited = mode === "thirdPartyAuditing";
      if (audited) await log.audit();
      const owners = new Map<string, Party>();
      const written = new Map<string, (string | undefined)[]>();
      const contacts = Array.from({ length: 4 }, () => new Party(client));
      const labels = Array.from({ length: 5 }, (_, i) => `label ${i}`);

      const credentials: { party: Party; pending: PendingCredential }[] = [];
      const outcomes = { terminal: 0, updated: 0, waiting: 0, aged: 0 };
      const finish = async (waiting: (typeof credentials)[number]): Promise<void> => {
        const { party, pending } = waiting;
        if (finalizeCredential(party.state, pending)) {
          outcomes.terminal++;
          return;
        }
        let update: Uint8Array;
        try {
          update = await prover.credentialUpdate(credentialUpdateRequest(pending));
        } catch (error) {
          expect(error).toMatchObject({ code: "no-distinguished-head" });
          credentials.push(waiting);
          outcomes.waiting++;
          return;
        }
        if (!party.state.distinguished.some(({ position }) => position > pending.terminal)) {
          credentials.push(waiting);
          return;
        }
        if ((party.state.distinguished[0]?.position ?? 0) > pending.terminal) {
          outcomes.aged++;
          return;
        }
        await client.verifyCredentialUpdate(party.state, pending, update);
        outcomes.updated++;
      };
      for (let round = 0; round < ROUNDS; round++) {
        now += below(2000);
        if (audited && below(3) === 0) await log.audit();
        const name = labels[below(labels.length)] as string;
        const label = text(name);
        const values = written.get(name) ?? [];
        const contact = contacts[below(contacts.length)] as Party;
        switch (below(8)) {
          case 0:
          case 1: {
            let owner = owners.get(name);
            if (owner === undefined) {
              owner = new Party(client);
              await owner.run(client.prepareDistinguished(owner.state), prover.distinguished, now);
              if (window > 10n ** 13n) break;
              await owner.run(client.prepareOwnerInit(owner.state, { label }), prover.ownerInit, now);
              owners.set(name, owner);
            }
            const created = Array.from({ length: 1 + below(3) }, (_, i) => `${name} ${round} ${i}`);
            const update = client.prepareUpdate(owner.state, { label, values: created.map(text) });
            const skipped = mode === "thirdPartyManagement" ? Math.max(0, below(5) - 2) : 0;
            const answer = (request: Uint8Array): Promise<Uint8Array> =>
              mode === "thirdPartyManagement" ? log.managedUpdate(request, now, skipped) : log.update(request, now);
            const result = await owner.run(update, answer, now);
            expect(result).toMatchObject({ created: true, skipped });
            written.set(name, [...values, ...Array.from({ length: skipped }, () => undefined), ...created]);
            break;
          }
          case 2:
            await log.append([], now);
            break;
          case 3: {
            if (values.length === 0) break;
            const found = await contact.run(client.prepareSearch(contact.state, { label }), prover.search, now);
            expect(found.version).toBe(values.length - 1);
            expect(found.value).toEqual(text(values.at(-1) as string));
            break;
          }
          case 4: {
            if (values.length === 0) break;
            const version = below(values.length);
            if (values[version] === undefined) break;
            const fresh = below(2) === 0 ? new Party(client) : contact;
            const search = client.prepareSearch(fresh.state, { label, version });
            const found = await fresh.run(search, prover.search, now);
            expect(found.value).toEqual(text(values[version] as string));
            break;
          }
          case 5:
            for (const monitored of labelsToMonitor(contact.state)) {
              const monitor = client.prepareContactMonitor(contact.state, { label: monitored.label });
              await contact.run(monitor, prover.contactMonitor, now);
            }
            break;
          case 6: {
            const owner = owners.get(name);
            if (owner === undefined) break;
            for (let pages = 0; ; pages++) {
              const monitor = client.prepareOwnerMonitor(owner.state, { label });
              const result = await owner.run(monitor, prover.ownerMonitor, now);
              if (result.complete) break;
              expect(pages).toBeLessThan(200);
            }
            break;
          }
          case 7: {
            const found = await contact.run(client.prepareDistinguished(contact.state), prover.distinguished, now);
            expect(found.heads.length).toBeLessThanOrEqual(7);
            for (const pending of [...credentials.splice(0)]) await finish(pending);
            if (values.length > 0 && contact.state.distinguished.length > 0) {
              const position = contact.state.distinguished[below(contact.state.distinguished.length)]?.position;
              const bytes = await prover.credential(encode(CredentialRequest, { label, position }));
              const before = encodeClientState(contact.state);
              const credential = await client.verifyCredential(contact.state, bytes);
              expect(credential).toMatchObject({ version: values.length - 1, value: text(values.at(-1) as string) });
              if (credential.pending) credentials.push({ party: contact, pending: credential.pending });
              expect(encodeClientState(contact.state)).toEqual(before);
            }
            for (const { position, root } of found.heads) {
              const heads = contact.state.distinguished.find((known) => known.position === position);
              expect(heads?.root).toEqual(root);
            }
          }
        }
      }
      if (window === 3_000n && !SHORT) expect(outcomes.updated + outcomes.terminal).toBeGreaterThan(0);
      // The log as an owner who starts now sees it.
      if (window < 10n ** 13n)
        for (const [name, values] of written) {
          const party = new Party(client);
          const label = text(name);
          await party.run(client.prepareDistinguished(party.state), prover.distinguished, now);
          const start = party.state.distinguished[0]?.position;
          await party.run(client.prepareOwnerInit(party.state, { label, start }), prover.ownerInit, now);
          let greatest = labelState(party.state, label)?.owner?.greatest ?? -1;
          while (greatest < values.length - 1) {
            const inform = client.prepareUpdate(party.state, { label, values: [] });
            const result = await party.run(inform, (request) => log.update(request, now), now);
            expect(result.versions.length).toBeGreaterThan(0);
            expect(result.created).toBe(false);
            for (const { version, value } of result.versions) expect(value).toEqual(text(values[version] as string));
            greatest = result.versions.at(-1)?.version as number;
          }
          const monitor = client.prepareOwnerMonitor(party.state, { label });
          await party.run(monitor, prover.ownerMonitor, now);
        }
    },
    LONG ? 3_600_000 : 60_000,
  );
});
