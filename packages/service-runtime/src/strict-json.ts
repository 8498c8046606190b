import type { MiddlewareHandler } from "hono";

export type JsonErrorCode =
  | "invalid-utf-8"
  | "byte-order-mark"
  | "not-json"
  | "duplicate-key"
  | "too-deep"
  | "unpaired-surrogate";

/** Bytes that two readers could understand differently, or that are no JSON at all. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  readonly code: JsonErrorCode;
  /** Where, as `devices[2].name`; empty for the whole. */
  readonly path: string;
  /** The rule, by section title of RFC 7493 (I-JSON) or RFC 8259. */
  readonly section: string;

  constructor(code: JsonErrorCode, message: string, path: string, section: string) {
    super(message);
    this.code = code;
    this.path = path;
    this.section = section;
  }
}

export interface StrictJsonOptions {
  /** Deepest nesting of arrays and objects; default 64. */
  readonly maximumDepth?: number;
}

/**
 * Reads JSON that has exactly one meaning: UTF-8 without byte order mark, no object with one name twice (whatever its
 * escapes), no unpaired surrogates (RFC 7493), bounded nesting. @throws JsonError
 */
export function parseStrictJson(bytes: Uint8Array, { maximumDepth = 64 }: StrictJsonOptions = {}): unknown {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    throw new JsonError("byte-order-mark", "JSON begins without a byte order mark", "", "Character Encoding");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new JsonError("invalid-utf-8", "the text is not UTF-8", "", "Encoding and Characters");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new JsonError("not-json", "the text is not JSON", "", "JSON Grammar");
  }
  assertUnambiguous(text, maximumDepth);
  return value;
}

/** Strings and structure; numbers, literals and white space lie between. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;

interface Level {
  /** Names so far; undefined for an array. */
  readonly names: Set<string> | undefined;
  /** The name or index being read. */
  at: string | number;
}

/** Walks text that is known to be JSON, so that every string ends and the walk is linear. */
function assertUnambiguous(text: string, maximumDepth: number): void {
  const levels: Level[] = [];
  let nameIsNext = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === "{" || token === "[") {
      levels.push({ names: token === "{" ? new Set() : undefined, at: token === "{" ? "" : 0 });
      nameIsNext = token === "{";
      if (levels.length > maximumDepth)
        throw new JsonError("too-deep", `more than ${maximumDepth} levels of nesting`, "", "JSON Grammar");
    } else if (token === "}" || token === "]") {
      levels.pop();
      nameIsNext = false;
    } else if (token === ",") {
      if (typeof level?.at === "number") level.at++;
      nameIsNext = level?.names !== undefined;
    } else if (token.startsWith('"')) {
      const content = JSON.parse(token) as string;
      if (nameIsNext && level?.names !== undefined) {
        level.at = content;
        nameIsNext = false;
        if (level.names.has(content))
          throw new JsonError("duplicate-key", "an object has one name twice", pathOf(levels), "Object Constraints");
        level.names.add(content);
      }
      if (UNPAIRED.test(content))
        throw new JsonError(
          "unpaired-surrogate",
          "a string is not Unicode text",
          pathOf(levels),
          "Encoding and Characters",
        );
    }
  }
}

const UNPAIRED = /\p{Surrogate}/u;

function pathOf(levels: readonly Level[]): string {
  return levels.reduce<string>(
    (path, { at }) => (typeof at === "number" ? `${path}[${at}]` : path === "" ? at : `${path}.${at}`),
    "",
  );
}

/**
 * Reads the bodies of JSON requests strictly before any validator does. `refusal` makes the service's own error, which
 * is thrown. Handlers find the body as if nobody had read it.
 */
export function strictJsonBody(refusal: (error: JsonError) => Error, options?: StrictJsonOptions): MiddlewareHandler {
  return async (c, next) => {
    if (/^application\/(?:[a-z0-9.-]+\+)?json\s*(?:;|$)/i.test(c.req.header("content-type") ?? "")) {
      const bytes = new Uint8Array(await c.req.arrayBuffer());
      try {
        if (bytes.length > 0) parseStrictJson(bytes, options);
      } catch (error) {
        throw error instanceof JsonError ? refusal(error) : error;
      }
    }
    await next();
  };
}
