import { readCase, validateCase } from "../conformance/x509.js";

/** What is said of one case: where each rule stands that it breaks, or what an accepted path comes to. */
export type Explanation =
  | { readonly malformed: string }
  | { readonly refused: readonly string[] }
  | { readonly accepted: { readonly certificates: number; readonly policies: readonly string[] } };

/** The explanation of every case, by its id. A reason: code, place in the path, section of its rule, and why in words. */
export async function explanations(
  testcases: readonly Readonly<Record<string, unknown>>[],
): Promise<Record<string, Explanation>> {
  const explained: Record<string, Explanation> = {};
  for (const raw of testcases) {
    const { testcase } = readCase(raw);
    const validated = await validateCase(testcase);
    explained[testcase.id] = "malformed" in validated ? malformed(validated.malformed) : outcome(validated.result);
  }
  return explained;
}

function malformed({ code, path, section }: { code: string; path: string; section: string }): Explanation {
  return { malformed: `${code} | ${path} | ${section}` };
}

type Validated = Extract<Awaited<ReturnType<typeof validateCase>>, { readonly result: unknown }>["result"];

function outcome(result: Validated): Explanation {
  if (result.valid) return { accepted: { certificates: result.path.length, policies: result.policies } };
  return {
    refused: result.reasons.map(({ code, path, section, detail }) => `${code} | ${path} | ${section} | ${detail}`),
  };
}
