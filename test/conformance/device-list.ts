import { readFileSync } from "node:fs";
import { nodeProvider } from "@mls-as/mls-core/node";
import {
  AuthPins,
  Continuity,
  ContinuityTBS,
  CredentialRecord,
  checkDeviceList,
  checkDeviceListChange,
  DeviceApproval,
  DeviceApprovalTBS,
  DeviceList,
  DeviceListError,
  DeviceRecord,
  decodeDeviceList,
  deviceListHash,
  verifyContinuity,
  verifyDeviceApproval,
  verifyDeviceListSignatures,
} from "@mls-as/mls-credentials";
import { type Codec, CodecError, decode, encode } from "@mls-as/tls-codec";
import type { Outcome } from "./main.js";
import { hex, refuseUnknown, sameJson, toWireJson, unhex } from "./wire-json.js";

interface DeviceListCase {
  readonly name: string;
  readonly comment?: string;
  readonly type?: string;
  readonly value: string;
  readonly context?: {
    readonly label: string;
    readonly version: number;
    readonly previous?: string;
    readonly previous_hash?: string;
    readonly log_id?: string;
    readonly logged_at?: number;
    readonly retention?: number;
  };
  readonly expect: {
    readonly ok: boolean;
    readonly code?: string;
    readonly codec?: string;
    readonly path?: string;
    readonly decoded?: unknown;
    readonly hash?: string;
  };
}

const TYPES: Readonly<Record<string, Codec<unknown>>> = {
  AuthPins: AuthPins as Codec<unknown>,
  Continuity: Continuity as Codec<unknown>,
  ContinuityTBS: ContinuityTBS as Codec<unknown>,
  CredentialRecord: CredentialRecord as Codec<unknown>,
  DeviceApproval: DeviceApproval as Codec<unknown>,
  DeviceApprovalTBS: DeviceApprovalTBS as Codec<unknown>,
  DeviceList: DeviceList as Codec<unknown>,
  DeviceRecord: DeviceRecord as Codec<unknown>,
};

/** What this implementation says about a case. */
interface Judgement {
  readonly decoded?: unknown;
  readonly error?: DeviceListError;
}

async function judge(vector: DeviceListCase, value: Uint8Array): Promise<Judgement> {
  try {
    if (vector.context !== undefined) return { decoded: await judgeList(value, vector.context) };
    const type = vector.type ?? "DeviceList";
    const codec = TYPES[type];
    if (codec === undefined) throw new Error(`unknown type ${type}`);
    const decoded = decodePart(codec, value);
    const signed =
      type === "DeviceApproval"
        ? await verifyDeviceApproval(nodeProvider, decoded as DeviceApproval)
        : type === "Continuity"
          ? await verifyContinuity(nodeProvider, decoded as Continuity)
          : true;
    if (!signed) return { error: new DeviceListError("invalid-signature", "signature", "does not verify") };
    return { decoded };
  } catch (error) {
    if (error instanceof DeviceListError) return { error };
    throw error;
  }
}

function decodePart(codec: Codec<unknown>, value: Uint8Array): unknown {
  try {
    return decode(codec, value);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    const refusal = new DeviceListError("malformed", error.path, error.message);
    refusal.cause = error;
    throw refusal;
  }
}

async function judgeList(value: Uint8Array, context: NonNullable<DeviceListCase["context"]>): Promise<DeviceList> {
  const previous = context.previous === undefined ? undefined : unhex(context.previous, "context.previous");
  const previousHash =
    previous !== undefined
      ? deviceListHash(previous)
      : context.previous_hash === undefined
        ? undefined
        : unhex(context.previous_hash, "context.previous_hash");
  const list = checkDeviceList(value, {
    label: context.label,
    version: context.version,
    ...(previousHash === undefined ? {} : { previousHash }),
    ...(context.log_id === undefined ? {} : { logId: unhex(context.log_id, "context.log_id") }),
  });
  await verifyDeviceListSignatures(nodeProvider, list);
  if (previous !== undefined && context.logged_at !== undefined)
    checkDeviceListChange(decodeDeviceList(previous), list, {
      loggedAt: BigInt(context.logged_at),
      retention: BigInt(context.retention ?? 90 * 86_400),
    });
  return list;
}

/** The reason a case fails, or undefined. */
async function check(vector: DeviceListCase): Promise<string | undefined> {
  refuseUnknown(vector, ["name", "comment", "type", "value", "context", "expect"], "case");
  refuseUnknown(vector.expect, ["ok", "code", "codec", "path", "decoded", "hash"], "expect");
  if (vector.context !== undefined)
    refuseUnknown(
      vector.context,
      ["label", "version", "previous", "previous_hash", "log_id", "logged_at", "retention"],
      "context",
    );
  const value = unhex(vector.value, "value");
  const { decoded, error } = await judge(vector, value);
  const { expect } = vector;
  if (expect.ok) {
    if (error !== undefined) return `refused: ${error.code} at ${error.path}`;
    const again = encode(TYPES[vector.type ?? "DeviceList"] as Codec<unknown>, decoded);
    if (hex(again) !== hex(value)) return "what was decoded encodes to other bytes";
    if (expect.decoded !== undefined && !sameJson(toWireJson(decoded), expect.decoded))
      return "decoded to other values";
    if (expect.hash !== undefined && hex(deviceListHash(value)) !== expect.hash) return "another hash";
    return undefined;
  }
  if (error === undefined) return "accepted what must be refused";
  if (expect.code !== undefined && error.code !== expect.code) return `code ${error.code} instead of ${expect.code}`;
  const codec = error.cause instanceof CodecError ? error.cause.code : undefined;
  if (expect.codec !== undefined && codec !== expect.codec) return `codec code ${codec} instead of ${expect.codec}`;
  if (expect.path !== undefined && snakePath(error.path) !== expect.path)
    return `path ${snakePath(error.path)} instead of ${expect.path}`;
  return undefined;
}

const snakePath = (path: string): string => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Device lists and their parts: format in docs/conformance.md. */
export async function runDeviceList(paths: string[], report: (outcome: Outcome) => void): Promise<void> {
  for (const path of paths) {
    const file = JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly DeviceListCase[] };
    for (const vector of file.cases) {
      let detail: string | undefined;
      try {
        detail = await check(vector);
      } catch (error) {
        detail = `the case cannot be run: ${(error as Error).message}`;
      }
      report({
        case: `${path}: ${vector.name}`,
        ok: detail === undefined,
        ...(detail === undefined ? {} : { detail }),
      });
    }
  }
}
