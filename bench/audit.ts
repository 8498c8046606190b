import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, type FileHandle } from "node:fs/promises";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  Configuration,
  KT_128_SHA256_Ed25519,
  type PrefixLeaf,
  type Suite,
  TreeHead,
  TreeHeadTBS,
} from "@mls-as/keytrans";
import { createAuditor } from "@mls-as/keytrans/auditor";
import { nodeSuite } from "@mls-as/keytrans/node";
import { deriveEntry, MemoryStore } from "@mls-as/keytrans/prover";
import { encode, opaque, vector } from "@mls-as/tls-codec";
import type { Benchmark, Measurement } from "./main.js";

const MAIN = fileURLToPath(new URL("../packages/kt-cli/dist/main.js", import.meta.url));
const AuditorUpdates = vector(opaque(0, 2 ** 32 - 1), 0, 2 ** 16 - 1);
/** As many as one audited log entry can hold. */
const FULL = 255;

/** An audited log's updates in a file, so that only the auditor's own memory is measured. */
interface Recording {
  readonly suite: Suite;
  readonly configuration: Configuration;
  readonly head: TreeHead;
  readonly changes: number;
  update(position: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Records a log: `full` entries of 255 changes, then `single` entries of one. */
async function record(folder: string, full: number, single: number): Promise<Recording> {
  const suite = await nodeSuite(KT_128_SHA256_Ed25519);
  const signer = suite.importSigner(new Uint8Array(32).fill(2));
  const configuration: Configuration = {
    ciphersuite: suite.id,
    mode: "thirdPartyAuditing",
    signaturePublicKey: signer.publicKey,
    vrfPublicKey: suite.importVrfPrivateKey(new Uint8Array(32).fill(1)).publicKey,
    maxAuditorLag: 3_600_000n,
    auditorStartPos: 0n,
    auditorPublicKey: suite.importSigner(new Uint8Array(32).fill(3)).publicKey,
    maxAhead: 60_000n,
    maxBehind: 3_600_000n,
    reasonableMonitoringWindow: 86_400_000n,
    maximumLifetime: undefined,
  };
  const file = await open(join(folder, "updates"), "w+");
  const store = new MemoryStore();
  const index: { readonly offset: number; readonly length: number }[] = [];
  const start = Date.now() - (full + single + 1);
  let offset = 0;
  let leaf = 0;
  let head: TreeHead = { treeSize: 0, signature: new Uint8Array() };
  for (let position = 0; position < full + single; position++) {
    const leaves: PrefixLeaf[] = Array.from({ length: position < full ? FULL : 1 }, () => {
      const vrfOutput = suite.hash(new TextEncoder().encode(`label ${leaf++}`));
      return { vrfOutput, commitment: suite.hash(vrfOutput) };
    });
    const derived = await deriveEntry({ suite, configuration, store }, leaves, start + position);
    const { treeSize, root, auditorUpdate, ...rows } = derived;
    const last = position === full + single - 1;
    const tbs = encode(TreeHeadTBS, { config: configuration, treeSize, root });
    const signature = last ? await signer.sign(tbs) : new Uint8Array(64);
    head = { treeSize, signature };
    store.apply({
      ...rows,
      head: { treeSize, root, signature, timestamp: start + position },
      versions: [],
      openings: [],
      vrfProofs: [],
    });
    const bytes = auditorUpdate as Uint8Array;
    await file.write(bytes, 0, bytes.length, offset);
    index.push({ offset, length: bytes.length });
    offset += bytes.length;
  }
  return {
    suite,
    configuration,
    head,
    changes: leaf,
    update: (at) => read(file, index[at]),
    close: () => file.close(),
  };
}

async function read(file: FileHandle, row: { offset: number; length: number } | undefined): Promise<Uint8Array> {
  if (row === undefined) throw new Error("no such entry");
  const bytes = new Uint8Array(row.length);
  await file.read(bytes, 0, row.length, row.offset);
  return bytes;
}

/** Verification alone: updates at hand, one core, no network. */
async function verification(
  { suite, configuration, update }: Recording,
  full: number,
  single: number,
): Promise<Measurement[]> {
  const auditor = createAuditor({ suite, configuration });
  let state = auditor.initialState();
  let seconds = 0;
  const run = async (from: number, to: number): Promise<number> => {
    seconds = 0;
    for (let at = from; at < to; at += 20) {
      const page = await Promise.all(Array.from({ length: Math.min(20, to - at) }, (_, i) => update(at + i)));
      const started = performance.now();
      for (const bytes of page) ({ state } = auditor.process(state, bytes));
      seconds += (performance.now() - started) / 1000;
    }
    return seconds;
  };
  const params = { leaves: full * FULL };
  const first = await run(0, full);
  const second = await run(full, full + single);
  return [
    {
      name: "audit.changes",
      unit: "changes/s",
      value: (full * FULL) / first,
      samples: full,
      params: { ...params, perEntry: FULL },
    },
    {
      name: "audit.entries",
      unit: "entries/s",
      value: single / second,
      samples: single,
      params: { ...params, perEntry: 1 },
    },
  ];
}

/** Resident memory of a process, MB; undefined where the platform does not tell. */
function residentMegabytes(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}

/** `kt audit` as a process, over HTTP, from the first entry to the signed head. */
async function command(recording: Recording, folder: string): Promise<Measurement[]> {
  const { configuration, head, changes } = recording;
  const memory: number[] = [];
  let pid = 0;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://log");
    const answer = async (): Promise<Uint8Array> => {
      if (url.pathname === "/v1/configuration") return encode(Configuration, configuration);
      if (url.pathname === "/v1/tree-head") return encode(TreeHead, head);
      const start = Number(url.searchParams.get("start"));
      const count = Math.min(Number(url.searchParams.get("limit")), head.treeSize - start);
      const resident = residentMegabytes(pid);
      if (resident !== undefined) memory.push(resident);
      return encode(
        AuditorUpdates,
        await Promise.all(Array.from({ length: count }, (_, i) => recording.update(start + i))),
      );
    };
    answer().then(
      (bytes) => response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes),
      () => response.writeHead(500).end(),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kt = async (...args: string[]): Promise<number> => {
    const started = performance.now();
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, KT_HOME: folder },
      stdio: ["ignore", "ignore", "inherit"],
    });
    pid = child.pid ?? 0;
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`kt ${args.join(" ")} ended with ${code}`);
    return (performance.now() - started) / 1000;
  };
  try {
    await kt("init", url, "--name", "bench");
    const seconds = await kt("audit");
    const quarter = Math.max(...memory.slice(0, Math.ceil(memory.length / 4)));
    const rest = Math.max(...memory.slice(Math.ceil(memory.length / 4)));
    const params = { changes, entries: head.treeSize };
    return [
      {
        name: "audit.command",
        unit: "changes/s",
        value: changes / seconds,
        samples: 1,
        params: { ...params, seconds: Math.round(seconds * 10) / 10 },
      },
      {
        name: "audit.memory",
        unit: "MB",
        value: rest,
        samples: memory.length,
        params: { ...params, firstQuarter: Math.round(quarter) },
      },
    ];
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** 10^6 changes with MLS_AS_LONG=1, else a twentieth. */
export const benchmarks: readonly Benchmark[] = [
  {
    name: "audit",
    async run() {
      const long = process.env["MLS_AS_LONG"] === "1";
      const [full, single] = long ? [3920, 1000] : [196, 500];
      const folder = mkdtempSync(join(tmpdir(), "bench-audit-"));
      const recording = await record(folder, full, single);
      try {
        return [...(await verification(recording, full, single)), ...(await command(recording, folder))];
      } finally {
        await recording.close();
        rmSync(folder, { recursive: true });
      }
    },
  },
];
