// Keeps docs/api/PACKAGE.api.md equal to what each package declares in public. `--write` accepts a change; a change is then seen in review.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "./bootstrap.mjs";

const ts = createRequire(import.meta.url)("typescript");
const write = process.argv.includes("--write");
const folder = join(root, "docs", "api");
mkdirSync(folder, { recursive: true });

/** One line or block a public name, sorted: the declarations as the compiler emits them, without comments. */
function report(entry) {
  const program = ts.createProgram([entry], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = checker.getSymbolAtLocation(source);
  if (module === undefined) return "";
  const printer = ts.createPrinter({ removeComments: true });
  const blocks = [];
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    for (const declaration of symbol.declarations ?? []) {
      const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
      const text = printer.printNode(ts.EmitHint.Unspecified, statement, declaration.getSourceFile());
      const alias = exported.name === symbol.name ? "" : `// as ${exported.name}\n`;
      blocks.push(`${alias}${text}`);
    }
  }
  return [...new Set(blocks)].sort().join("\n\n");
}

const stale = [];
for (const name of readdirSync(join(root, "packages"))) {
  const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"));
  const sections = Object.entries(manifest.exports).map(
    ([subpath, target]) =>
      `## ${manifest.name}${subpath.slice(1)}\n\n\`\`\`ts\n${report(join(root, "packages", name, target.types))}\n\`\`\`\n`,
  );
  const text = `# Public API of ${manifest.name}\n\nWritten by \`node scripts/api-reports.mjs --write\`; \`npm run -s verify\` fails while it differs.\n\n${sections.join("\n")}`;
  const file = join(folder, `${name}.api.md`);
  if (write) writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, "utf8") !== text) stale.push(`docs/api/${name}.api.md`);
}
if (stale.length > 0) {
  console.log(
    `The public API changed: ${stale.join(", ")}. Read the difference after \`node scripts/api-reports.mjs --write\` and commit it.`,
  );
  process.exitCode = 1;
}
