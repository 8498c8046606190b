/** What a service says about a refusal (RFC 9457), as far as it could be read. */
export interface ProblemDocument {
  /** The stable code, e.g. `label-unknown`. */
  readonly code: string;
  readonly title?: string | undefined;
  readonly detail?: string | undefined;
  readonly remedy?: string | undefined;
  /** The offending field. */
  readonly path?: string | undefined;
  readonly section?: string | undefined;
  readonly requestId?: string | undefined;
}

const MAX_TEXT = 1000;

/** Reads a problem document; undefined where the body is none. Texts are cut and freed of control characters. */
export function readProblem(contentType: string | null, body: Uint8Array): ProblemDocument | undefined {
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/problem+json" && type !== "application/json") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const text = (name: string): string | undefined => {
    const found = (value as Record<string, unknown>)[name];
    return typeof found === "string" ? found.slice(0, MAX_TEXT).replaceAll(/\p{Cc}/gu, " ") : undefined;
  };
  const code = text("code");
  if (code === undefined || !/^[a-z0-9-]{1,64}$/.test(code)) return undefined;
  const [title, detail, remedy, path] = [text("title"), text("detail"), text("remedy"), text("path")];
  return { code, title, detail, remedy, path, section: text("section"), requestId: text("requestId") };
}
