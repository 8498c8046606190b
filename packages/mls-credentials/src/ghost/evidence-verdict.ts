import type { Suite } from "@mls-as/keytrans";
import type { EvidenceVerdict as MisbehaviourVerdict } from "@mls-as/keytrans/client";
import type { CryptoProvider } from "@mls-as/mls-core";
import type { Certificate } from "../certificate/index.js";
import type { DeviceList } from "../device-list.js";
import type { PreparedPolicy } from "../prepared-policy.js";
import type { JudgedList } from "./proven-lists.js";

/** What somebody who judges a finding brings: trust in the accused's keys, and nothing of the accuser's. */
export interface EvidenceJudge {
  /** Names the trust anchors and logs of the domains. */
  readonly policy: PreparedPolicy;
  readonly provider: CryptoProvider;
  /** KEYTRANS suites by number. */
  readonly suite: (id: number) => Suite | Promise<Suite>;
}

/** What the bytes cannot show, so that it rests on the accuser's word. */
export type EvidenceAssumption =
  /** That the credential stood in that group, or came in that KeyPackage, by `since`. */
  | "sighted"
  /** That the log served these lists or heads, or served them as the newest: they carry no proof of that. */
  | "served"
  /** That the user did not do it: only the user can say what is theirs. */
  | "not-mine"
  /** That the log was asked and did not answer. */
  | "asked";

/**
 * `proven`: keys and bytes alone show it. `supported`: they show all but what is assumed. `unsupported`: they do not
 * show it, contradict it, or there are none.
 */
export type EvidenceVerdict =
  | { readonly standing: "proven" | "supported"; readonly assumes: readonly EvidenceAssumption[] }
  | { readonly standing: "unsupported"; readonly reason: string };

/** A certificate from the evidence. */
export interface JudgedCertificate {
  readonly certificate: Certificate;
  readonly user: string;
  readonly client: string;
  readonly spkiHash: string;
  readonly tbsCertificateHash: string;
  /** Whether it chains to a trust anchor of its user's domain: its CA signed it. */
  readonly issued: boolean;
}

/** The parts of a bundle after each was checked by itself. */
export interface JudgedEvidence {
  readonly certificates: readonly JudgedCertificate[];
  readonly lists: readonly (JudgedList & { readonly list: DeviceList | undefined })[];
  readonly heads: readonly { readonly position: number; readonly root: string; readonly signed: boolean }[];
  readonly signatureKey: Uint8Array | undefined;
  /** What the log's own signatures say about exchanges that are said to break its rules; undefined where there are none. */
  readonly misbehaviour: MisbehaviourVerdict | undefined;
}
