import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kt } from "@mls-as/kt-cli";
import type { Fetch } from "@mls-as/kt-client";
import { type Branch, MaliciousLog } from "./malicious-log.js";
import { ALICE, AliceHistory } from "./users.js";

const START = Date.UTC(2026, 8, 1, 9, 0, 0);
const MINUTE = 60_000;

/** A log with keys from a seed, on a clock that stands still, and one home for `kt`. */
class Stage {
  now = START;
  readonly #home: string;
  readonly #fetches = new Map<string, Fetch>();

  constructor(home: string) {
    this.#home = home;
  }

  serve(host: string, fetch: Fetch): void {
    this.#fetches.set(host, fetch);
  }

  /** What a command prints, with the prompt, and its exit code where it is not 0. */
  async screen(command: string): Promise<string> {
    let text = `$ kt ${command}\n`;
    const output = { write: (part: string) => void (text += part), isTTY: false, columns: 96 };
    const args = (command.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ""));
    const code = await kt(
      args.map((word) => (word.endsWith(".json") && !word.startsWith("~") ? join(this.#home, word) : word)),
      {
        stdout: output,
        stderr: output,
        stdin: async () => new Uint8Array(),
        fetch: async (url, init) => {
          const found = this.#fetches.get(new URL(url).host);
          if (found === undefined) throw new TypeError("fetch failed");
          return found(url, init);
        },
        clock: () => this.now,
        sleep: async () => {},
        home: this.#home,
        environment: { NODE_ENV: "test", KT_PASSPHRASE: "correct horse battery staple" },
        signal: new AbortController().signal,
      },
    );
    const shown = text.replaceAll(`${this.#home}/evidence/`, "evidence/").replaceAll(`${this.#home}/`, "");
    return `${shown}${code === 0 ? "" : `$ echo $?\n${code}\n`}`;
  }

  /** The newest evidence file, as an argument. */
  evidenceFrom(screen: string): string {
    return /Evidence: (evidence\/\S+)/.exec(screen)?.[1] ?? "";
  }
}

/** Every screen of docs/kt.md, by name: the same in every run. */
export async function screens(): Promise<Record<string, string>> {
  const home = await mkdtemp(join(tmpdir(), "kt-screens-"));
  try {
    const stage = new Stage(home);
    const log = await MaliciousLog.create({ audited: true, seed: 7 });
    const alice = new AliceHistory(log.logId, START / 1000);
    let shown: Branch = log.branch();
    await shown.heartbeat(START);
    await shown.put(ALICE, alice.enrol(), START + 5 * MINUTE);
    await shown.put(ALICE, await alice.addLaptop(), START + 12 * MINUTE);
    await shown.put(ALICE, alice.revokeLaptop(START / 1000 + 20 * 60), START + 20 * MINUTE);
    await shown.heartbeat(START + 30 * MINUTE);
    shown.store.setAuditorTreeHead(await log.auditorHead(shown));
    stage.now = START + 33 * MINUTE;
    stage.serve("log.example", log.fetch({ branch: () => shown }));
    const result: Record<string, string> = {};
    result["init"] = await stage.screen("init https://log.example --name example");
    result["status"] = await stage.screen("status");
    result["search"] = await stage.screen(`search ${ALICE} --history --save alice.json`);
    result["verify"] = await stage.screen("verify alice.json");
    result["explain"] = await stage.screen("explain --file alice.json");
    await stage.screen(`search ${ALICE} --write-own devices.json`);
    result["watch"] = await stage.screen(`watch ${ALICE} --own devices.json`);
    result["audit"] = await stage.screen("audit");
    result["gossip"] = await stage.screen("gossip");
    const honest = shown;
    shown = honest.fork();
    await shown.put(ALICE, alice.addGhost(), START + 40 * MINUTE);
    shown.store.setAuditorTreeHead(await log.auditorHead(shown));
    stage.now = START + 41 * MINUTE;
    result["watch-ghost"] = await stage.screen(`watch ${ALICE} --own devices.json`);
    const other = honest.fork();
    await other.heartbeat(START + 40 * MINUTE);
    other.store.setAuditorTreeHead(await log.auditorHead(other));
    stage.serve("mirror.example", log.fetch({ branch: () => other }));
    const fork = await stage.screen("gossip --via https://mirror.example");
    result["gossip-fork"] = fork;
    result["evidence"] = await stage.screen(`evidence ${stage.evidenceFrom(fork)}`);
    return result;
  } finally {
    await rm(home, { recursive: true });
  }
}

const PAGE = new URL("../../../docs/kt.md", import.meta.url);
const BLOCK = /(<!-- screen: ([a-z-]+) -->\n```text\n)([\s\S]*?)(```\n)/g;

/** The page with its screens made anew. */
export function withScreens(page: string, made: Readonly<Record<string, string>>): string {
  return page.replaceAll(BLOCK, (_, open: string, name: string, _old: string, close: string) => {
    const screen = made[name];
    if (screen === undefined) throw new Error(`docs/kt.md asks for a screen that is not made: ${name}`);
    return open + screen + close;
  });
}

export const readPage = (): Promise<string> => readFile(PAGE, "utf8");

/** `node scripts/kt-screens.mjs --write`: puts the screens into docs/kt.md. */
export async function main(args: readonly string[]): Promise<void> {
  const page = withScreens(await readPage(), await screens());
  if (args.includes("--write")) await writeFile(PAGE, page);
  else process.stdout.write(page);
}
