import { writeFileSync } from "node:fs";
import { cpus } from "node:os";

/** One measured figure: the median of `samples` runs. Ratios name their baseline in `params`. */
export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly samples: number;
  readonly params: Readonly<Record<string, string | number>>;
}

export interface Benchmark {
  readonly name: string;
  run(): Promise<readonly Measurement[]>;
}

const SUITES: readonly (() => Promise<readonly Benchmark[]>)[] = [
  async () => (await import("./mls-core.js")).benchmarks,
  async () => (await import("./keytrans.js")).benchmarks,
  async () => (await import("./kt-log.js")).benchmarks,
  async () => (await import("./kt-log-growth.js")).benchmarks,
  async () => (await import("./as.js")).benchmarks,
  async () => (await import("./signers.js")).benchmarks,
  async () => (await import("./audit.js")).benchmarks,
  async () => (await import("./sdk.js")).benchmarks,
];

/** `npm run -s bench -- [--json FILE] [NAME...]`: a NAME selects every benchmark whose name starts with it. */
export async function main(args: string[]): Promise<void> {
  const names: string[] = [];
  let json: string | undefined;
  const queue = args.values();
  for (const argument of queue) {
    if (argument !== "--json") names.push(argument);
    else {
      json = queue.next().value;
      if (json === undefined) throw new Error("--json needs a file");
    }
  }
  const all = (await Promise.all(SUITES.map((load) => load()))).flat();
  const chosen = all.filter(({ name }) => names.length === 0 || names.some((prefix) => name.startsWith(prefix)));
  if (chosen.length === 0) {
    process.stderr.write(
      `No benchmark begins with ${names.join(", ")}. There are:\n${all.map(({ name }) => `  ${name}\n`).join("")}`,
    );
    process.exitCode = 2;
    return;
  }
  const measurements: Measurement[] = [];
  process.stdout.write(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}\n`);
  for (const benchmark of chosen) {
    process.stderr.write(`${benchmark.name} …\n`);
    for (const measurement of await benchmark.run()) {
      measurements.push(measurement);
      process.stdout.write(row(measurement));
    }
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(measurements, null, 2)}\n`);
}

function row({ name, unit, value, samples, params }: Measurement): string {
  const figure = value.toLocaleString("en", { maximumSignificantDigits: 4 });
  const details = Object.entries(params).map(([key, entry]) => `${key}=${entry}`);
  return `${name.padEnd(48)} ${figure.padStart(12)} ${unit.padEnd(14)} n=${samples}  ${details.join(" ")}\n`;
}
