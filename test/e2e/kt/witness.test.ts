import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { KT_128_SHA256_Ed25519, nobleSuite } from "@mls-as/keytrans";
import {
  consistencyProof,
  cosignedAt,
  formatAddCheckpoint,
  formatCheckpoint,
  formatVerifierKey,
  hashLeaf,
  hashNode,
  LOG_KEY,
  originHash,
  parseSignedNote,
  parseVerifierKey,
  signNote,
  type SubtreeSource,
  treeRoot,
  verifierKey,
} from "@mls-as/keytrans/witness";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runKt, startKt } from "./kt-process.js";

const ORIGIN = "log.example/keytrans";
const suite = nobleSuite(KT_128_SHA256_Ed25519);
const signerOf = (byte: number) => suite.importSigner(new Uint8Array(32).fill(byte));
const signer = signerOf(1);
const key = verifierKey(ORIGIN, LOG_KEY, signer.publicKey);

/** A log that signs whatever tree it likes, and can prove what is true of one tree. */
class Tree {
  readonly #leaves: Uint8Array[];
  constructor(leaves: readonly string[]) {
    this.#leaves = leaves.map((leaf) => hashLeaf(new TextEncoder().encode(leaf)));
  }
  /** Complete subtrees, hashed anew whenever one is asked for. */
  readonly source: SubtreeSource = (keys) =>
    keys.map(({ level, index }) => {
      let row = this.#leaves.slice(index * 2 ** level, (index + 1) * 2 ** level);
      while (row.length > 1)
        row = row.flatMap((hash, i) => (i % 2 === 0 ? [hashNode(hash, row[i + 1] as Uint8Array)] : []));
      return row[0] as Uint8Array;
    });
  async checkpoint(size: number, by = { key, signer }): Promise<string> {
    const text = formatCheckpoint({ origin: by.key.name, size, root: await treeRoot(size, this.source) });
    return `${text}\n${await signNote(text, by.key, by.signer)}`;
  }
  async offer(oldSize: number, size: number): Promise<string> {
    const proof = oldSize === 0 ? [] : await consistencyProof(oldSize, size, this.source);
    return formatAddCheckpoint({ oldSize, proof, checkpoint: await this.checkpoint(size) });
  }
}

/** `kt witness` as a process, asked as a log asks it. */
describe("kt witness", () => {
  let folder: string;
  let home: string;
  let keyFile: string;
  const children: ReturnType<typeof startKt>[] = [];
  const environment = { KT_PASSPHRASE: "a passphrase for tests" };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kt-witness-"));
    home = join(folder, "home");
    const made = await runKt(["key", join(folder, "keys"), "--json"], { home, environment });
    keyFile = made.json["file"] as string;
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGTERM");
      await once(child, "close");
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  const args = (name: string): string[] => [
    ...["witness", "--json", "--name", name, "--sign", keyFile],
    ...["--log-key", formatVerifierKey(key), "--listen", "127.0.0.1:0"],
  ];
  async function start(name: string): Promise<{ url: string; vkey: string; child: ReturnType<typeof startKt> }> {
    const child = startKt(args(name), { home, environment });
    children.push(child);
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    const lines = createInterface({ input: child.stdout });
    const [line] = (await Promise.race([
      once(lines, "line"),
      once(child, "close").then(() => Promise.reject(new Error(errors))),
    ])) as [string];
    return { ...(JSON.parse(line) as { url: string; vkey: string }), child };
  }
  const post = async (url: string, body: string) => {
    const response = await fetch(`${url}/add-checkpoint`, { method: "POST", body });
    return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
  };
  const honest = new Tree(["a", "b", "c", "d", "e"]);

  test("cosigns a log that grows, and says what it cosigned last", async () => {
    const { url, vkey } = await start("witness.example/one");
    const first = await post(url, await honest.offer(0, 2));
    expect(first.status, first.body).toBe(200);
    const note = `${(await honest.checkpoint(2)).trimEnd()}\n${first.body}`;
    const at = await cosignedAt(parseSignedNote(note), parseVerifierKey(vkey));
    expect(Math.abs((at ?? 0) - Date.now() / 1000)).toBeLessThan(600);
    expect((await post(url, await honest.offer(2, 5))).status).toBe(200);
    const latest = await fetch(`${url}/${originHash(ORIGIN)}/checkpoint`);
    expect((await latest.text()).split("\n").slice(0, 2)).toEqual([ORIGIN, "5"]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test("refuses by the protocol's statuses", async () => {
    const { url } = await start("witness.example/two");
    expect((await post(url, await honest.offer(0, 3))).status).toBe(200);
    const stale = await post(url, await honest.offer(0, 4));
    expect(stale).toEqual({ status: 409, type: "text/x.tlog.size", body: "3\n" });
    const stranger = verifierKey("other.example/log", LOG_KEY, signer.publicKey);
    const unknown = await honest.checkpoint(1, { key: stranger, signer });
    expect((await post(url, formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: unknown }))).status).toBe(404);
    const impostor = { key: verifierKey(ORIGIN, LOG_KEY, signerOf(2).publicKey), signer: signerOf(2) };
    const forged = await honest.checkpoint(4, impostor);
    expect((await post(url, formatAddCheckpoint({ oldSize: 3, proof: [], checkpoint: forged }))).status).toBe(403);
    expect((await post(url, "old three\n\nnonsense\n")).status).toBe(400);
    expect((await post(url, "x".repeat(100_000))).status).toBe(413);
    expect((await fetch(`${url}/add-checkpoint`)).status).toBe(405);
    expect((await fetch(`${url}/0000/checkpoint`)).status).toBe(404);
  });

  test("a fork that the log signed is refused, kept as evidence, and the exit code says so", async () => {
    const { url, child } = await start("witness.example/three");
    expect((await post(url, await honest.offer(0, 3))).status).toBe(200);
    const forked = new Tree(["a", "b", "X", "d", "e"]);
    expect((await post(url, await forked.offer(3, 5))).status).toBe(422);
    const kept = (await readdir(join(home, "witness"))).filter((name) => name.startsWith("contradiction-"));
    expect(kept).toHaveLength(1);
    expect(await readFile(join(home, "witness", kept[0] ?? ""), "utf8")).toBe(await forked.offer(3, 5));
    child.kill("SIGTERM");
    expect((await once(child, "close"))[0]).toBe(1);
  });

  test("killed at any moment, it goes on from what it cosigned", async () => {
    let running = await start("witness.example/four");
    expect((await post(running.url, await honest.offer(0, 1))).status).toBe(200);
    for (let size = 1; size < 5; size++) {
      const offered = post(running.url, await honest.offer(size, size + 1)).catch(() => undefined);
      running.child.kill("SIGKILL");
      await once(running.child, "close");
      const answered = await offered;
      running = await start("witness.example/four");
      // Whether it signed before it died or not: it takes the tree up where its memory is, and nowhere else.
      const again = await post(running.url, await honest.offer(size, size + 1));
      expect([200, 409]).toContain(again.status);
      if (answered?.status === 200) expect(again).toMatchObject({ status: 409, body: `${size + 1}\n` });
    }
  });

  test("two witnesses never share a memory, and a broken one is not guessed at", async () => {
    const { child } = await start("witness.example/five");
    const second = await runKt(args("witness.example/five"), { home, environment });
    expect(second.code).not.toBe(0);
    child.kill("SIGTERM");
    await once(child, "close");
    await writeFile(join(home, "witness", `${encodeURIComponent("witness.example/five")}.json`), '{"format":"x"}');
    const broken = await runKt(args("witness.example/five"), { home, environment });
    expect([broken.code, broken.json.error?.code]).toEqual([2, "file-malformed"]);
  });

  test("what it needs is asked for", async () => {
    const bare = await runKt(["witness", "--json"], { home, environment });
    expect([bare.code, bare.json.error?.code]).toEqual([2, "usage"]);
    const wrongKey = await runKt([...args("w.example/x").slice(0, 6), "--log-key", "nonsense"], { home, environment });
    expect(wrongKey.code).toBe(2);
    const locked = await runKt(args("w.example/x"), { home, environment: { KT_PASSPHRASE: "another" } });
    expect(locked.code).toBe(2);
  });
});
