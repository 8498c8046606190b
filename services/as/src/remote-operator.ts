import { readFile } from "node:fs/promises";
import { CommandError, EXIT } from "./commands/failure.js";
import type { IssuedToken } from "./enrolment/tokens.js";
import { type ListedCredential, type Operator, PAGE, type WaitingDevice } from "./operator.js";
import type { AuditEntry } from "./storage/store.js";

/** Calls the admin interface of a running service. @throws CommandError with the service's own code when it refuses */
export async function callAdmin<T>(
  url: string,
  tokenFile: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const base = url.replace(/\/+$/, "");
  const token = await readFile(tokenFile, "utf8").then(
    (text) => text.trim(),
    (cause: unknown) => {
      throw new CommandError(`the admin token ${tokenFile} cannot be read`, {
        code: "admin-token-missing",
        remedy: "Name it with --admin-token-file; the service made it in its data folder.",
        cause,
      });
    },
  );
  const response = await fetch(`${base}/v1/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  }).catch((cause: unknown) => {
    throw new CommandError(`the service at ${base} does not answer`, {
      code: "service-unreachable",
      exitCode: EXIT.unavailable,
      remedy: "Start it with 'mls-as serve', or work on the data folder by leaving --url out.",
      cause,
    });
  });
  const answer = (await response.json().catch(() => ({}))) as T & Refusal;
  if (!response.ok) throw refusalOf(response, answer);
  return answer;
}

interface Refusal {
  readonly code?: string;
  readonly detail?: string;
  readonly remedy?: string;
}

/** Works over the admin interface of a running service. */
export async function remoteOperator(url: string, tokenFile: string): Promise<Operator> {
  const call = <T>(method: string, path: string, body?: unknown): Promise<T> =>
    callAdmin<T>(url, tokenFile, method, path, body);
  const query = (parameters: Record<string, string | undefined>): string => {
    const set = Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as [string, string]],
    );
    return new URLSearchParams(set).toString();
  };
  return {
    createToken: (user, client, lifetime) =>
      call<IssuedToken>("POST", "/tokens", { user, client, ...(lifetime === undefined ? {} : { lifetime }) }),
    async list({ user, client, serial, status }) {
      const all: ListedCredential[] = [];
      for (let after: string | undefined; ; ) {
        const page = await call<{ credentials: ListedCredential[]; next: string | null }>(
          "GET",
          `/credentials?${query({ user, client, serial, status, after, limit: String(PAGE) })}`,
        );
        all.push(...page.credentials);
        if (page.next === null) return all;
        after = page.next;
      }
    },
    async revoke(target, reason) {
      const answer = target.startsWith("mimi:")
        ? await call<{ revoked: { id: string }[] }>("POST", "/devices/revocation", { client: target, reason })
        : await call<{ revoked: { id: string }[] }>("POST", `/credentials/${encodeURIComponent(target)}/revocation`, {
            reason,
          });
      return answer.revoked.map(({ id }) => id);
    },
    async approvals(user) {
      const all: WaitingDevice[] = [];
      for (let after: string | undefined; ; ) {
        const page = await call<{ approvals: WaitingDevice[]; next: string | null }>(
          "GET",
          `/approvals?${query({ user, after, limit: String(PAGE) })}`,
        );
        all.push(...page.approvals);
        if (page.next === null) return all;
        after = page.next;
      }
    },
    decide: async (id, state) => {
      const path = `/approvals/${encodeURIComponent(id)}/${state === "approved" ? "approval" : "denial"}`;
      await call<unknown>("POST", path, {});
    },
    reissue: async ({ issuer, ...window }) =>
      (
        await call<{ id: string }>("POST", "/renewal-orders", {
          ...window,
          ...(issuer === undefined ? {} : { issuer }),
        })
      ).id,
    erase: async (user) =>
      (await call<{ version: number | null }>("POST", "/users/erasure", { user })).version ?? undefined,
    audit: async (after, identity) =>
      (
        await call<{ entries: AuditEntry[] }>(
          "GET",
          `/audit?${query({ after: String(after), limit: String(PAGE), identity })}`,
        )
      ).entries,
    close: async () => {},
  };
}

function refusalOf(response: Response, answer: Refusal): CommandError {
  return new CommandError(answer.detail ?? `the service answered ${response.status}`, {
    code: answer.code ?? "refused",
    exitCode: response.status >= 500 || response.status === 429 ? EXIT.unavailable : EXIT.usage,
    ...(answer.remedy === undefined ? {} : { remedy: answer.remedy }),
  });
}
