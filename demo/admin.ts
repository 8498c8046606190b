import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What the operator does through the admin API. */
export interface AdminClient {
  /** A one-time enrolment token for a user and client URI. */
  token(user: string, client: string): Promise<string>;
  /** Revokes a device's credentials; settles when the log holds it. */
  revokeDevice(client: string, reason: string): Promise<void>;
  /** Status of each credential of a user: `pending`, `active` or `revoked`. */
  credentialStates(user: string): Promise<string[]>;
}

/** Reads the admin token that the AS left in its data folder. */
export async function adminClient(asUrl: string, asDataDir: string): Promise<AdminClient> {
  const adminToken = (await readFile(join(asDataDir, "admin-token"), "utf8")).trim();
  const post = async (path: string, body: object): Promise<{ status: number; answer: Record<string, unknown> }> => {
    const response = await fetch(`${asUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${adminToken}` },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
    return { status: response.status, answer };
  };
  return {
    async token(user, client) {
      const { answer } = await post("/v1/admin/tokens", { user, client });
      return String(answer["token"]);
    },
    async revokeDevice(client, reason) {
      for (let attempt = 0; attempt < 50; attempt++) {
        const { status } = await post("/v1/admin/devices/revocation", { client, reason });
        if (status === 200) return;
        await sleep(100);
      }
      throw new Error("the log did not take the revocation in time");
    },
    async credentialStates(user) {
      const response = await fetch(`${asUrl}/v1/admin/credentials?user=${encodeURIComponent(user)}`, {
        headers: { authorization: `Bearer ${adminToken}` },
      });
      const { credentials } = (await response.json()) as { credentials: { status: string }[] };
      return credentials.map(({ status }) => status);
    },
  };
}
