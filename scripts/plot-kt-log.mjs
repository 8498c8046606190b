// Makes the table and the plot of the log's growth out of the results of its benchmark:
//   KT_LOG_BENCH_SIZES=10000,30000,100000,300000,1000000 npm run -s bench -- --json FILE kt-log-growth
//   node scripts/plot-kt-log.mjs FILE
// writes docs/kt-log-growth.svg and the table between the markers in docs/performance.md.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./bootstrap.mjs";

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node scripts/plot-kt-log.mjs RESULTS.json");
  process.exit(2);
}
const measurements = JSON.parse(readFileSync(file, "utf8")).filter(({ name }) => name.startsWith("kt-log-growth/"));
const sizes = [...new Set(measurements.map(({ params }) => params.labels))].sort((a, b) => a - b);
const at = (name, size) =>
  measurements.find((one) => one.name === `kt-log-growth/${name}` && one.params.labels === size);
const number = (value) => (value === undefined ? "–" : value.toLocaleString("en", { maximumSignificantDigits: 3 }));

function table() {
  const columns = [
    ["labels", (size) => size.toLocaleString("en")],
    ["updates/s, sequenced", (size) => number(at("sequenced", size)?.value)],
    ["CPU ms each", (size) => number(at("sequenced", size)?.params.cpuMs)],
    ["updates/s, HTTP", (size) => number(at("updates-http", size)?.value)],
    ["searches/s, first", (size) => number(at("search-first", size)?.value)],
    ["CPU ms each", (size) => number(at("search-first", size)?.params.cpuMs)],
    ["searches/s, returning", (size) => number(at("search-returning", size)?.value)],
    ["searches/s, proofs not made yet", (size) => number(at("search-unproven", size)?.value)],
    ["at 500/s: p50 ms", (size) => number(at("search-at-500", size)?.params.p50Ms)],
    ["p99 ms", (size) => number(at("search-at-500", size)?.params.p99Ms)],
    ["bytes/update", (size) => number(at("database", size)?.value)],
    ["memory MB", (size) => number(at("memory", size)?.value)],
    ["bare: VRF output ms", (size) => number(at("sequenced", size)?.params.vrfOutputMs)],
    ["VRF proof ms", (size) => number(at("sequenced", size)?.params.vrfProofMs)],
    ["hash µs", (size) => number((at("sequenced", size)?.params.hashMs ?? 0) * 1000)],
    ["commit ms", (size) => number(at("sequenced", size)?.params.commitMs)],
  ];
  const row = (cells) => `| ${cells.join(" | ")} |`;
  // One line a figure: there are more figures than sizes.
  return [
    row(["", ...sizes.map((size) => size.toLocaleString("en"))]),
    row(["---", ...sizes.map(() => "---:")]),
    ...columns.slice(1).map(([name, of]) => row([name, ...sizes.map(of)])),
  ].join("\n");
}

const WIDTH = 720;
const HEIGHT = 300;
const EDGE = { left: 60, right: 150, top: 30, bottom: 40 };

function plot() {
  const x = (size) => {
    const [low, high] = [Math.log10(sizes[0]), Math.log10(sizes.at(-1))];
    const share = high === low ? 0.5 : (Math.log10(size) - low) / (high - low);
    return EDGE.left + share * (WIDTH - EDGE.left - EDGE.right);
  };
  const curve = (name, colour, of) => ({ name, colour, values: sizes.map((size) => of(size) ?? 0) });
  const series = [
    curve("CPU ms an update", "#0b6", (size) => at("sequenced", size)?.params.cpuMs),
    curve("CPU ms a search", "#06c", (size) => at("search-first", size)?.params.cpuMs),
    curve("kB an update", "#c60", (size) => (at("database", size)?.value ?? 0) / 1000),
    curve("bare VRF output, ms", "#999", (size) => at("sequenced", size)?.params.vrfOutputMs),
  ];
  const most = Math.max(...series.flatMap(({ values }) => values)) * 1.1;
  const y = (value) => HEIGHT - EDGE.bottom - (value / most) * (HEIGHT - EDGE.top - EDGE.bottom);
  const text = (left, top, content, anchor = "middle", colour = "#333") =>
    `<text x="${left.toFixed(1)}" y="${top.toFixed(1)}" text-anchor="${anchor}" fill="${colour}">${content}</text>`;
  const lines = series.flatMap(({ colour, values }) => {
    const points = values.map((value, i) => `${x(sizes[i]).toFixed(1)},${y(value).toFixed(1)}`);
    return [
      `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...points.map(
        (point) => `<circle cx="${point.split(",")[0]}" cy="${point.split(",")[1]}" r="3" fill="${colour}"/>`,
      ),
    ];
  });
  // Names beside the ends of their lines, pushed apart where they would overlap.
  let lowest = Number.POSITIVE_INFINITY;
  const names = series
    .map(({ name, colour, values }) => ({ name, colour, top: y(values.at(-1)) }))
    .sort((a, b) => b.top - a.top)
    .map(({ name, colour, top }) => {
      lowest = Math.min(top, lowest - 15);
      return text(WIDTH - EDGE.right + 10, lowest + 4, name, "start", colour);
    });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(EDGE.left, 18, "Cost of an update and of a search as the log grows", "start"),
    ...ticks.flatMap((value) => [
      `<line x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="#ddd"/>`,
      text(EDGE.left - 8, y(value) + 4, number(value), "end"),
    ]),
    ...sizes.map((size) => text(x(size), HEIGHT - EDGE.bottom + 18, size.toLocaleString("en"))),
    text((EDGE.left + WIDTH - EDGE.right) / 2, HEIGHT - 5, "labels"),
    ...lines,
    ...names,
    "</svg>",
  ].join("\n");
}

writeFileSync(join(root, "docs/kt-log-growth.svg"), `${plot()}\n`);
const page = join(root, "docs/performance.md");
const [begin, end] = ["<!-- kt-log-growth -->", "<!-- /kt-log-growth -->"];
const written = readFileSync(page, "utf8");
const [before, rest] = [written.split(begin)[0], written.split(end)[1]];
writeFileSync(page, `${before}${begin}\n${table()}\n${end}${rest}`);
