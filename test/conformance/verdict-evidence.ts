import { Configuration } from "@mls-as/keytrans";
import { createClient } from "@mls-as/keytrans/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import {
  checkDeviceList,
  type DeviceEvidence,
  type LocalKnowledge,
  parseCertificateList,
  parseOcspResponse,
  verifyStaple,
} from "@mls-as/mls-credentials";
import { decode } from "@mls-as/tls-codec";
import { refuseUnknown, unhex } from "./wire-json.js";

/** A device list that the log has proven. */
export interface EvidenceCase {
  readonly value: string;
  readonly version: number;
  readonly log_id: string;
  readonly position: number;
  readonly proven_at: number;
  readonly source?: "search" | "staple";
}

/** What one member alone knows. */
export interface LocalCase {
  readonly time: number;
  readonly crls?: readonly string[];
  readonly ocsp_responses?: readonly string[];
  readonly devices?: EvidenceCase;
}

/** A stapled credential with the walks of distinguished heads that were made before it came. */
export interface StapleCase {
  readonly credential: string;
  readonly configuration: string;
  readonly walks: readonly { readonly response: string; readonly now: number }[];
  readonly seen_version?: number;
}

export function readEvidence(given: EvidenceCase, user: string): DeviceEvidence {
  refuseUnknown(given, ["value", "version", "log_id", "position", "proven_at", "source"], "devices");
  return {
    list: checkDeviceList(unhex(given.value, "devices.value"), { label: user, version: given.version }),
    logId: unhex(given.log_id, "devices.log_id"),
    position: given.position,
    provenAt: given.proven_at,
    source: given.source ?? "search",
  };
}

/** Walks the distinguished heads as they were walked, then verifies the staple against them. @throws StapleError */
export async function readStaple(given: StapleCase, user: string): Promise<DeviceEvidence> {
  refuseUnknown(given, ["credential", "configuration", "walks", "seen_version"], "staple");
  const configuration = decode(Configuration, unhex(given.configuration, "staple.configuration"));
  const client = createClient({ suite: await nodeSuite(configuration.ciphersuite as 1 | 2), configuration });
  let state = client.initialState();
  for (const { response, now } of given.walks) {
    const walk = client.prepareDistinguished(state);
    ({ state } = await walk.verify(unhex(response, "staple.walks.response"), now));
  }
  const seen = given.seen_version === undefined ? {} : { seenVersion: given.seen_version };
  return (await verifyStaple(unhex(given.credential, "staple.credential"), { client, state, user, ...seen })).devices;
}

export function readLocal(given: LocalCase, user: string): LocalKnowledge {
  refuseUnknown(given, ["time", "crls", "ocsp_responses", "devices"], "local");
  return {
    time: given.time,
    crls: (given.crls ?? []).map((der, i) => parseCertificateList(unhex(der, `local.crls[${i}]`))),
    ocsp: (given.ocsp_responses ?? []).map((der, i) => parseOcspResponse(unhex(der, `local.ocsp_responses[${i}]`))),
    ...(given.devices === undefined ? {} : { devices: readEvidence(given.devices, user) }),
  };
}
