import { randomBytes } from "node:crypto";
import { isClientUri, userOfClient } from "@mls-as/mls-credentials";
import { toHex } from "./binary-text.js";
import { CommandError } from "./commands/failure.js";
import { issueToken } from "./enrolment/tokens.js";
import { type ListedCredential, type Operator, PAGE, type WaitingDevice } from "./operator.js";
import { REVOCATION_REASONS, type RevocationReason, reasonName } from "./revocation/revoke.js";
import { openStore } from "./storage/open-store.js";
import type { Store } from "./storage/store.js";

const now = (): number => Math.floor(Date.now() / 1000);

/** Works on the data folder itself, beside a running service or without one. A running service completes revocations. */
export async function localOperator(dataDir: string): Promise<Operator> {
  return operatorOf(await openStore({ dataDir }));
}

export function operatorOf(store: Store): Operator {
  return {
    createToken: (user, client, lifetime) =>
      issueToken(store, { user, client, lifetime: lifetime ?? 86_400, actor: "operator" }, now()),
    async list(filter) {
      const all: ListedCredential[] = [];
      for (let after = ""; ; ) {
        const page = await store.credentials({
          ...(filter.user === undefined ? {} : { user: filter.user }),
          client: filter.client,
          serial: filter.serial,
          state: filter.status,
          after,
          limit: PAGE,
        });
        for (const { state, revocation, ...one } of page) {
          const { id, serial, user, client, issuer, notBefore, notAfter } = one;
          const revoked =
            revocation === undefined ? {} : { reason: reasonName(revocation.reason), logged: revocation.logged };
          all.push({ id, serial, user, client, issuer, notBefore, notAfter, status: state, ...revoked });
        }
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) return all;
        after = last.id;
      }
    },
    revoke: (target, reason) => revoke(store, target, reason),
    async approvals(user) {
      const all: WaitingDevice[] = [];
      for (let after = ""; ; ) {
        const page = await store.approvalRequests({ user, after, limit: PAGE });
        for (const { secretHash: _, approvals: _a, ...request } of page) all.push(request);
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) return all;
        after = last.id;
      }
    },
    decide: (id, state) => decide(store, id, state),
    async reissue({ issuer, issuedBefore, start, end }) {
      const id = toHex(randomBytes(16));
      await store.addRenewalOrder({ id, issuer, issuedBefore, start, end }, now(), {
        actor: "operator",
        action: "renewal-ordered",
        detail: { order: id, issuer: issuer ?? null, issuedBefore, start, end },
      });
      return id;
    },
    erase: (user) => erase(store, user),
    audit: (after, identity) => store.auditEntries({ after, limit: PAGE, subject: identity }),
    close: () => store.close(),
  };
}

async function revoke(store: Store, target: string, reason: RevocationReason): Promise<readonly string[]> {
  const byClient = isClientUri(target);
  const found = byClient
    ? await store.credentials({ client: target, limit: 10_000 })
    : [await store.credential(target)];
  const ids = found.flatMap((one) =>
    one !== undefined && one.state !== "revoked" && one.notAfter > now() ? [one.id] : [],
  );
  const [first] = found;
  if (first === undefined || ids.length === 0)
    throw new CommandError(`${target}: nothing there that is active`, {
      code: byClient ? "client-unknown" : "credential-unknown",
      remedy: "See what is there with 'mls-as list'.",
    });
  const cause = {
    reason: REVOCATION_REASONS[reason],
    origin: "operatorRevocation",
    block: reason === "keyCompromise",
  } as const;
  return await store.revoke(ids, cause, now(), {
    actor: "operator",
    action: "credentials-revoked",
    subject: byClient ? userOfClient(target) : first.user,
    detail: { reason, credentials: ids },
  });
}

async function erase(store: Store, user: string): Promise<number | undefined> {
  const version = (await store.label(user))?.latest?.version;
  if (!(await store.erase(user, now(), { actor: "operator", action: "user-erased" })))
    throw new CommandError(`${user} has a credential that is good, or a change under way`, {
      code: "user-active",
      remedy:
        "Revoke the user's devices with 'mls-as revoke', wait until 'mls-as list' shows it logged, and try again.",
    });
  return version;
}

async function decide(store: Store, id: string, state: "approved" | "denied"): Promise<void> {
  const request = await store.approvalRequest(id);
  if (request === undefined)
    throw new CommandError(`there is no request ${id}`, {
      code: "approval-unknown",
      remedy: "See which devices wait with 'mls-as approve'.",
    });
  const { secretHash: hash, user, client, expiresAt } = request;
  const token = state === "approved" ? { hash, user, client, expiresAt } : undefined;
  const decision = { state, decidedBy: "operator", approvals: [] };
  const audit = { actor: "operator", action: `approval-${state}`, subject: user, detail: { request: id, client } };
  if (expiresAt <= now() || !(await store.decideApproval(id, decision, token, now(), audit)))
    throw new CommandError(`the request ${id} is decided or has expired`, {
      code: "approval-decided",
      remedy: "The device can ask again.",
    });
}
