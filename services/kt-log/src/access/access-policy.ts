/** What a caller wants to do with a label. */
export type Operation = "search" | "monitor" | "update";

export interface AccessRequest {
  readonly operation: Operation;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** Absolute, as the caller must have named it when it signed the request; undefined where the log does not know. */
  readonly url: string | undefined;
  readonly body: Uint8Array;
}

/** Who is let in. */
export interface Caller {
  /** For limits: one and the same for one and the same caller; undefined where nobody in particular is let in. */
  readonly identity: string | undefined;
  /** Whether this is the writer, whom no limit holds up. */
  readonly writer: boolean;
}

/**
 * Decides who may do what: the hook for an operator's own rules. It is asked before anything is looked up, and what it
 * decides must not depend on whether a label exists: then a stranger cannot tell an absent label from a forbidden one.
 */
export interface AccessPolicy {
  /** Undefined: refused. The caller is told no reason. */
  admit(request: AccessRequest): Promise<Caller | undefined>;
}

/** One way to show who one is. */
export interface Authenticator {
  /** Undefined where the request shows nothing that this authenticator accepts. */
  identify(request: AccessRequest): Promise<Caller | undefined>;
}

export const ANYBODY: Caller = { identity: undefined, writer: false };

export interface OperationRules {
  readonly search: "public" | "readers";
  readonly monitor: "public" | "readers";
}

/** The built-in policy: the writer may do everything and alone may update; the rest by `rules`. */
export function operatorPolicy(
  writer: Authenticator,
  readers: readonly Authenticator[],
  rules: OperationRules,
): AccessPolicy {
  return {
    async admit(request) {
      const asWriter = await writer.identify(request);
      if (asWriter !== undefined || request.operation === "update") return asWriter;
      for (const reader of readers) {
        const caller = await reader.identify(request);
        if (caller !== undefined) return caller;
      }
      return rules[request.operation] === "public" ? ANYBODY : undefined;
    },
  };
}
