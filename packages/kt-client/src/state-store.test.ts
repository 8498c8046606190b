import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { indexedDbStateStore } from "./indexed-db-store.js";
import { fileStateStore, withLock } from "./node.js";
import { memoryStateStore, type StateStore } from "./state-store.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kt-client-"));
});
afterEach(() => rm(folder, { recursive: true }));

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

/** Makes handles on one and the same stored state. */
const STORES: Record<string, () => () => StateStore> = {
  memory: () => {
    const store = memoryStateStore();
    return () => store;
  },
  IndexedDB: () => {
    const factory = new IDBFactory();
    return () => indexedDbStateStore({ name: "a", factory });
  },
  file: () => () => fileStateStore(join(folder, "deep", "state")),
};

describe.each(Object.keys(STORES))("the %s store", (kind) => {
  test("replaces the state only at the expected revision", async () => {
    const open = (STORES[kind] as () => () => StateStore)();
    const [a, b] = [open(), open()];
    expect(await a.load()).toBeUndefined();
    expect(await a.save(one, "0")).toBeUndefined();
    const first = await a.save(one, undefined);
    expect(first).toBeDefined();
    expect(await b.save(two, undefined)).toBeUndefined();
    expect(await b.load()).toEqual({ bytes: one, revision: first });
    const second = await b.save(two, first);
    expect(second).not.toBe(first);
    expect(await a.save(one, first)).toBeUndefined();
    expect(await a.load()).toEqual({ bytes: two, revision: second });
  });

  test("of many who change it at once, one wins each revision", async () => {
    const open = (STORES[kind] as () => () => StateStore)();
    await open().save(Uint8Array.of(0), undefined);
    const increment = async (): Promise<void> => {
      const store = open();
      for (;;) {
        const before = await store.load();
        const next = Uint8Array.of(((before?.bytes[0] as number) + 1) % 256);
        if ((await store.save(next, before?.revision)) !== undefined) return;
      }
    };
    await Promise.all(Array.from({ length: 12 }, increment));
    expect((await open().load())?.bytes).toEqual(Uint8Array.of(12));
  });
});

test("names in one database are separate states", async () => {
  const factory = new IDBFactory();
  await indexedDbStateStore({ name: "a", factory }).save(one, undefined);
  expect(await indexedDbStateStore({ name: "b", factory }).load()).toBeUndefined();
});

describe("the file store", () => {
  test("leaves one private file and nothing beside it", async () => {
    const path = join(folder, "state");
    await fileStateStore(path).save(one, undefined);
    expect(await readdir(folder)).toEqual(["state"]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("takes over the lock of a process that died, and waits for one that lives", async () => {
    const path = join(folder, "state");
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    await writeFile(`${path}.lock`, `${child.pid}\n`);
    expect(await fileStateStore(path).save(one, undefined)).toBeDefined();
    // An earlier process of the same number, as after a container started again.
    await writeFile(`${path}.lock`, `${process.pid} 1000\n`);
    expect(await fileStateStore(path).save(two, (await fileStateStore(path).load())?.revision)).toBeDefined();
    const order: string[] = [];
    const slow = withLock(`${path}.lock`, async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      order.push("first");
    });
    const save = fileStateStore(path).save(one, (await fileStateStore(path).load())?.revision);
    await Promise.all([slow, save.then(() => order.push("second"))]);
    expect(order).toEqual(["first", "second"]);
  });

  test("several processes on one file lose no change", async () => {
    const path = join(folder, "count");
    const script = `
      import { fileStateStore } from ${JSON.stringify(new URL("../dist/node.js", import.meta.url).href)};
      const store = fileStateStore(${JSON.stringify(path)});
      for (let i = 0; i < 5; i++) for (;;) {
        const before = await store.load();
        const next = new TextEncoder().encode(String(Number(new TextDecoder().decode(before?.bytes)) + 1));
        if (await store.save(next, before?.revision) !== undefined) break;
      }`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "ignore", "inherit"] }),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0] as number));
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(await readFile(path, "utf8")).toBe("20");
  });
});
