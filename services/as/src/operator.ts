import { readFile } from "node:fs/promises";
import { userOfClient } from "@mls-as/mls-credentials";
import { issueToken, type IssuedToken } from "./enrolment/tokens.js";
import { REVOCATION_REASONS, type RevocationReason, reasonName } from "./revocation/revoke.js";
import { openStore } from "./storage/open-store.js";
import type { AuditEntry, CredentialState } from "./storage/store.js";

export interface ListedCredential {
  readonly id: string;
  readonly serial: string;
  readonly user: string;
  readonly client: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly status: CredentialState;
  readonly reason?: RevocationReason;
  readonly logged?: boolean;
}

export interface CredentialFilter {
  readonly user?: string;
  readonly client?: string;
  readonly status?: CredentialState;
}

/** What an operator does from the command line, over a data folder or over HTTP. */
export interface Operator {
  createToken(user: string, client: string, lifetime: number | undefined): Promise<IssuedToken>;
  list(filter: CredentialFilter): Promise<readonly ListedCredential[]>;
  /** Revokes a credential by its id, or all unexpired ones of a client URI; returns the ids. */
  revoke(target: string, reason: RevocationReason): Promise<readonly string[]>;
  audit(after: number, identity: string | undefined): Promise<readonly AuditEntry[]>;
  close(): Promise<void>;
}

const PAGE = 500;
const now = (): number => Math.floor(Date.now() / 1000);

/** Works on the data folder itself, beside a running service or without one. A running service completes revocations. */
export async function localOperator(dataDir: string): Promise<Operator> {
  const store = await openStore({ dataDir });
  return {
    createToken: (user, client, lifetime) =>
      issueToken(store, { user, client, lifetime: lifetime ?? 86_400, actor: "operator" }, now()),
    async list(filter) {
      const all: ListedCredential[] = [];
      for (let after = ""; ; ) {
        const page = await store.credentials({
          ...(filter.user === undefined ? {} : { user: filter.user }),
          client: filter.client,
          state: filter.status,
          after,
          limit: PAGE,
        });
        for (const { state, revocation, ...one } of page) {
          const { id, serial, user, client, notBefore, notAfter } = one;
          const revoked =
            revocation === undefined ? {} : { reason: reasonName(revocation.reason), logged: revocation.logged };
          all.push({ id, serial, user, client, notBefore, notAfter, status: state, ...revoked });
        }
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) return all;
        after = last.id;
      }
    },
    async revoke(target, reason) {
      const byClient = target.startsWith("mimi:");
      const found = byClient
        ? await store.credentials({ client: target, limit: 10_000 })
        : [await store.credential(target)];
      const ids = found.flatMap((one) =>
        one !== undefined && one.state !== "revoked" && one.notAfter > now() ? [one.id] : [],
      );
      const [first] = found;
      if (first === undefined || ids.length === 0) throw new Error(`${target}: nothing there that is active`);
      const cause = {
        reason: REVOCATION_REASONS[reason],
        origin: "operatorRevocation",
        block: reason === "keyCompromise",
      } as const;
      const subject = byClient ? userOfClient(target) : first.user;
      return await store.revoke(ids, cause, now(), {
        actor: "operator",
        action: "credentials-revoked",
        subject,
        detail: { reason, credentials: ids },
      });
    },
    audit: (after, identity) => store.auditEntries({ after, limit: PAGE, subject: identity }),
    close: () => store.close(),
  };
}

/** Works over the admin interface of a running service. */
export async function remoteOperator(url: string, tokenFile: string): Promise<Operator> {
  const token = (await readFile(tokenFile, "utf8")).trim();
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url.replace(/\/+$/, "")}/v1/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const answer = (await response.json()) as T & { code?: string; detail?: string };
    if (!response.ok) throw new Error(`${answer.code ?? response.status}: ${answer.detail ?? response.statusText}`);
    return answer;
  };
  const query = (parameters: Record<string, string | undefined>): string => {
    const set = Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as [string, string]],
    );
    return new URLSearchParams(set).toString();
  };
  return {
    createToken: (user, client, lifetime) =>
      call<IssuedToken>("POST", "/tokens", { user, client, ...(lifetime === undefined ? {} : { lifetime }) }),
    async list({ user, client, status }) {
      const all: ListedCredential[] = [];
      for (let after: string | undefined; ; ) {
        const page = await call<{ credentials: ListedCredential[]; next: string | null }>(
          "GET",
          `/credentials?${query({ user, client, status, after, limit: String(PAGE) })}`,
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
