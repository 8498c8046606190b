import { type Certificate, isSelfIssued } from "./certificate.js";
import { EMAIL_ADDRESS_OID, isWithin, type Name } from "./distinguished-name.js";
import type { NameConstraints } from "./extensions.js";
import { type GeneralName, isHostName, splitMailbox, uriHost } from "./general-name.js";
import { type CertificateProblem, problem } from "./path-reason.js";

const TITLE = "Name Constraints";

/** What is wrong with the base of a subtree; undefined when nothing is. The empty string stands for all names of its type. */
export function constraintProblem(base: GeneralName): string | undefined {
  switch (base.type) {
    case "dns":
      return base.value === "" || isHostName(base.value) ? undefined : "dNSName constraint that is no host name";
    case "uri":
      return base.value === "" || isHostName(base.value.replace(/^\./, ""))
        ? undefined
        : "URI constraint that is neither host nor domain";
    case "email": {
      const valid = base.value.includes("@")
        ? splitMailbox(base.value) !== undefined
        : isHostName(base.value.replace(/^\./, ""));
      return base.value === "" || valid ? undefined : "rfc822Name constraint that is neither mailbox, host nor domain";
    }
    case "ip":
      return isAddressRange(base.value) ? undefined : "iPAddress constraint that is no address and mask";
    default:
      return undefined;
  }
}

/** An address and a contiguous mask in the style of CIDR (RFC 4632). */
function isAddressRange(range: Uint8Array): boolean {
  if (range.length !== 8 && range.length !== 32) return false;
  const bits = Array.from(range.subarray(range.length / 2), (octet) => octet.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits);
}

/** The constraints that the certificates above have imposed, and how much comparing is left. */
export class NameConstraintState {
  /** One entry a certificate with constraints: a name must be permitted by each. */
  readonly #permitted: Map<GeneralName["type"], GeneralName[]>[] = [];
  readonly #excluded = new Map<GeneralName["type"], GeneralName[]>();
  #comparisonsLeft: number;

  constructor(maxComparisons: number) {
    this.#comparisonsLeft = maxComparisons;
  }

  /** Adds the constraints of a CA certificate: intersection of permitted, union of excluded. */
  impose(constraints: NameConstraints): void {
    const permitted = new Map<GeneralName["type"], GeneralName[]>();
    for (const base of constraints.permitted) append(permitted, base);
    this.#permitted.push(permitted);
    for (const base of constraints.excluded) append(this.#excluded, base);
  }

  /** Checks every name of a certificate; self-issued ones are exempt unless they end the path. */
  check(certificate: Certificate, isLeaf: boolean): CertificateProblem[] {
    if (!isLeaf && isSelfIssued(certificate)) return [];
    const problems: CertificateProblem[] = [];
    for (const name of constrainedNames(certificate)) {
      const detail = this.#violation(name);
      if (this.#comparisonsLeft < 0)
        return [problem("limit-exceeded", TITLE, fieldOf(name, certificate), "more name comparisons than allowed")];
      if (detail !== undefined) problems.push(problem("name-constraint", TITLE, fieldOf(name, certificate), detail));
    }
    return problems;
  }

  #violation(name: GeneralName): string | undefined {
    const excluded = this.#excluded.get(name.type) ?? [];
    this.#comparisonsLeft -= excluded.length;
    if (excluded.some((base) => isInside(name, base, true)))
      return `${name.type} name inside an excluded subtree, or of a form that cannot be judged`;
    for (const permitted of this.#permitted) {
      const bases = permitted.get(name.type);
      if (bases === undefined) continue;
      this.#comparisonsLeft -= bases.length;
      if (!bases.some((base) => isInside(name, base, false))) return `${name.type} name outside the permitted subtrees`;
    }
    return undefined;
  }
}

function append(map: Map<GeneralName["type"], GeneralName[]>, base: GeneralName): void {
  const list = map.get(base.type);
  if (list === undefined) map.set(base.type, [base]);
  else list.push(base);
}

/** Subject, alternative names and, where there are none of the latter, e-mail addresses of the subject. */
function constrainedNames({ subject, subjectAltName }: Certificate): readonly GeneralName[] {
  const names = subjectAltName ?? emailAddresses(subject);
  return subject.isEmpty ? names : [{ type: "directory", value: subject }, ...names];
}

function emailAddresses({ rdns }: Name): GeneralName[] {
  return rdns
    .flat()
    .flatMap(({ type, text }) => (type === EMAIL_ADDRESS_OID ? [{ type: "email", value: text ?? "" }] : []));
}

/** Where a certificate has one of its constrained names. */
function fieldOf(name: GeneralName, { subjectAltName }: Certificate): string {
  const index = subjectAltName?.indexOf(name) ?? -1;
  return index === -1 ? "subject" : `subjectAltName[${index}]`;
}

/**
 * True when `name` lies in the subtree of `base`, which is of its type. What cannot be judged (other name forms, a URI
 * without a host, a malformed name) is `doubt`: inside every excluded subtree and outside every permitted one.
 */
function isInside(name: GeneralName, base: GeneralName, doubt: boolean): boolean {
  switch (name.type) {
    case "directory":
      return base.type === "directory" && isWithin(name.value, base.value);
    case "dns":
      return base.type === "dns" && isDnsInside(name.value.toLowerCase(), base.value.toLowerCase(), doubt);
    case "ip":
      return base.type === "ip" && isAddressInside(name.value, base.value, doubt);
    case "email":
      return base.type === "email" && (base.value === "" || isMailboxInside(name.value, base.value, doubt));
    case "uri":
      return base.type === "uri" && (base.value === "" || isUriInside(name.value, base.value, doubt));
    default:
      return doubt;
  }
}

function isMailboxInside(name: string, base: string, doubt: boolean): boolean {
  const mailbox = splitMailbox(name);
  if (mailbox === undefined) return doubt;
  const exact = splitMailbox(base);
  if (exact !== undefined) return mailbox.local === exact.local && mailbox.host === exact.host;
  return isHostInside(mailbox.host, base.toLowerCase());
}

function isUriInside(name: string, base: string, doubt: boolean): boolean {
  const host = uriHost(name);
  return host !== undefined && isHostName(host) ? isHostInside(host, base.toLowerCase()) : doubt;
}

/** A host constraint names that host; one with a leading period every host below the domain, and not the domain itself. */
function isHostInside(host: string, base: string): boolean {
  return base.startsWith(".") ? host.endsWith(base) : host === base;
}

/** A DNS constraint holds for the name itself and all names below it; a wildcard name counts as all it may stand for. */
function isDnsInside(name: string, base: string, doubt: boolean): boolean {
  if (base === "") return true;
  const within = (host: string): boolean => host === base || host.endsWith(`.${base}`);
  if (!name.startsWith("*.")) return within(name);
  const parent = name.slice(2);
  if (within(parent)) return true;
  return doubt && base.endsWith(`.${parent}`) && !base.slice(0, -parent.length - 1).includes(".");
}

function isAddressInside(address: Uint8Array, range: Uint8Array, doubt: boolean): boolean {
  if (address.length !== 4 && address.length !== 16) return doubt;
  if (range.length !== 2 * address.length) return false;
  return address.every((octet, index) => {
    const mask = range[address.length + index] ?? 0;
    return (octet & mask) === ((range[index] ?? 0) & mask);
  });
}
