import { isClientUri } from "@mls-as/mls-credentials";
import type { Context } from "../context.js";
import type { KeyView } from "../device-list-view.js";
import { Failure } from "../failure.js";
import { readJson } from "../json-file.js";

/** Which devices and keys an owner knows to be theirs. */
export interface OwnList {
  /** Client URI → SHA-256 of its keys, hexadecimal; undefined: any key of that device. */
  readonly devices: ReadonlyMap<string, ReadonlySet<string> | undefined>;
}

/**
 * Reads `devices.json`: `{"devices": [{"client": "mimi://…", "keys": ["<SHA-256 of the SubjectPublicKeyInfo>", …]}]}`.
 * Without `keys`, any key of the device is accepted. @throws Failure file-malformed
 */
export async function readOwnList(context: Context, path: string): Promise<OwnList> {
  const value = await readJson(context, path);
  const list = (value as { devices?: unknown } | null)?.devices;
  if (!Array.isArray(list))
    throw new Failure("file-malformed", `${path}: "devices" must be a list`, { path: "devices" });
  const devices = new Map<string, ReadonlySet<string> | undefined>();
  for (const [i, entry] of list.entries()) {
    const at = `devices[${i}]`;
    const { client, keys } = (typeof entry === "string" ? { client: entry } : (entry ?? {})) as Record<string, unknown>;
    if (typeof client !== "string" || !isClientUri(client))
      throw new Failure("file-malformed", `${path}: ${at}.client must be a client URI`, { path: `${at}.client` });
    if (devices.has(client)) throw new Failure("file-malformed", `${path}: ${client} is listed twice`, { path: at });
    if (
      keys !== undefined &&
      !(Array.isArray(keys) && keys.every((key) => typeof key === "string" && /^[0-9a-f]{64}$/.test(key)))
    )
      throw new Failure("file-malformed", `${path}: ${at}.keys must be SHA-256 in hexadecimal`, { path: `${at}.keys` });
    devices.set(client, keys === undefined ? undefined : new Set(keys as string[]));
  }
  return { devices };
}

/** The file that lists these keys. */
export function ownListJson(keys: readonly KeyView[]): unknown {
  const devices = new Map<string, string[]>();
  for (const { client, key } of keys) devices.set(client, [...(devices.get(client) ?? []), key]);
  return { devices: [...devices].map(([client, own]) => ({ client, keys: own })) };
}
