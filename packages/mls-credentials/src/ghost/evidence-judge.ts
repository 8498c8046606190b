import { bytesKey } from "../bytes-key.js";
import {
  type Certificate,
  CertificateError,
  mlsNames,
  parseCertificate,
  tbsCertificateHash,
  validatePath,
} from "../certificate/index.js";
import { decodeDeviceList, type DeviceList } from "../device-list.js";
import { isUserUri } from "../identity/identity-uri.js";
import { spkiHash } from "../subject-public-key-info.js";
import { EVIDENCE_RULES } from "./evidence-rules.js";
import type { EvidenceJudge, EvidenceVerdict, JudgedCertificate, JudgedEvidence } from "./evidence-verdict.js";
import type { Finding } from "./finding.js";
import { EvidenceRefusal, judgeLists, judgeMisbehaviour, signedRoot } from "./proven-lists.js";
import { hexBytes } from "./sighting-rules.js";

/**
 * Judges a finding's evidence from its bytes and the judge's own keys alone, without the accuser's memory: every proof and
 * chain is verified anew, then the rule of the finding is applied to what they show.
 */
export async function judgeFinding(finding: Finding, judge: EvidenceJudge): Promise<EvidenceVerdict> {
  try {
    const evidence = await readEvidence(finding, judge);
    return await EVIDENCE_RULES[finding.kind](finding, evidence, judge);
  } catch (error) {
    if (!(error instanceof EvidenceRefusal)) throw error;
    return { standing: "unsupported", reason: error.message };
  }
}

async function readEvidence(finding: Finding, judge: EvidenceJudge): Promise<JudgedEvidence> {
  const { certificates = [], lists = [], heads = [], signatureKey, misbehaviour } = finding.evidence;
  const log = {
    suite: judge.suite,
    logIdOf: (user: string) => (isUserUri(user) ? judge.policy.domainOf(user)?.logId : undefined),
  };
  const judgedHeads = [];
  for (const [i, head] of heads.entries()) {
    const signed = await signedRoot(head, finding.user, log, `heads[${i}].signed`);
    judgedHeads.push({ position: head.position, root: head.root, signed: signed !== undefined });
  }
  return {
    certificates: await readCertificates(certificates, judge),
    lists: (await judgeLists(lists, finding.user, log)).map((each) => {
      const list = readList(each.value);
      return { ...each, list, user: each.proven ? each.user : (list?.identity ?? each.user) };
    }),
    heads: judgedHeads,
    signatureKey: signatureKey === undefined ? undefined : hexBytes(signatureKey),
    misbehaviour:
      misbehaviour === undefined ? undefined : await judgeMisbehaviour(misbehaviour, finding.user, log, "misbehaviour"),
  };
}

function readList(value: Uint8Array): DeviceList | undefined {
  try {
    return decodeDeviceList(value);
  } catch {
    return undefined;
  }
}

/** Leaves among the given certificates, which are the possible issuers too. */
async function readCertificates(encoded: readonly string[], judge: EvidenceJudge): Promise<JudgedCertificate[]> {
  const parsed = encoded.map((der, i) => parse(hexBytes(der), `certificates[${i}]`));
  const judged: JudgedCertificate[] = [];
  for (const certificate of parsed) {
    const names = mlsNames(certificate);
    if (names === undefined) continue;
    judged.push({
      certificate,
      ...names,
      spkiHash: bytesKey(spkiHash(certificate.spki)),
      tbsCertificateHash: bytesKey(tbsCertificateHash(certificate)),
      issued: await isIssued(certificate, names.user, parsed, judge),
    });
  }
  return judged;
}

function parse(der: Uint8Array, path: string): Certificate {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (error instanceof CertificateError) throw new EvidenceRefusal(path, `${error.code}: ${error.message}`);
    throw error;
  }
}

async function isIssued(
  leaf: Certificate,
  user: string,
  intermediates: readonly Certificate[],
  { policy, provider }: EvidenceJudge,
): Promise<boolean> {
  const trust = policy.domainOf(user);
  if (trust === undefined) return false;
  const { anchors } = trust;
  return (await validatePath({ leaf, intermediates, anchors, time: leaf.notBefore, provider })).valid;
}
