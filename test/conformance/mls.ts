import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Outcome } from "./main.js";
import { type CaseKind, runCases } from "./mls-case.js";
import { passiveClient, welcome } from "./mls-clients.js";
import { cryptoBasics, deserialization, keySchedule } from "./mls-crypto.js";
import { messages } from "./mls-messages.js";
import { treekem } from "./mls-treekem.js";
import { treeMath, treeOperations, treeValidation } from "./mls-trees.js";
import { x509Corpus } from "./mls-x509.js";

/** Files are told apart by name, of which the longest match decides: `tree-validation.json`, `my-treekem-2.json`. */
const KINDS: Readonly<Record<string, CaseKind>> = {
  "crypto-basics": cryptoBasics,
  deserialization,
  "key-schedule": keySchedule,
  messages,
  welcome,
  "passive-client": passiveClient,
  "passive-client-welcome": passiveClient,
  "passive-client-handling-commit": passiveClient,
  "passive-client-random": passiveClient,
  "tree-math": treeMath,
  "tree-operations": treeOperations,
  "tree-validation": treeValidation,
  treekem,
  "mls-x509": x509Corpus,
};

function kindOf(path: string): CaseKind | undefined {
  const name = basename(path, ".json");
  const matches = Object.keys(KINDS).filter((kind) => name.includes(kind));
  return KINDS[matches.toSorted((a, b) => b.length - a.length)[0] ?? ""];
}

/** The vectors of the MLS working group. What is compared in each kind of file: docs/spec-map-mls.md. */
export async function runMls(paths: string[], report: (outcome: Outcome) => void): Promise<void> {
  for (const path of paths) {
    const kind = kindOf(path);
    if (kind === undefined) {
      report({ case: path, ok: false, detail: `the name has none of ${Object.keys(KINDS).join(", ")}` });
      continue;
    }
    const file: unknown = JSON.parse(readFileSync(path, "utf8"));
    await runCases(path, Array.isArray(file) ? file : [file], kind, report);
  }
}
