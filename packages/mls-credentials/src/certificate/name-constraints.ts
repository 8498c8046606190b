import { type Certificate, isSelfIssued } from "./certificate.js";
import { EMAIL_ADDRESS_OID, isWithin, type Name } from "./distinguished-name.js";
import type { NameConstraints } from "./extensions.js";
import { type GeneralName, isHostName, type Mailbox, parseUri, splitMailbox } from "./general-name.js";
import { type CertificateProblem, problem } from "./path-reason.js";

const TITLE = "Name Constraints";
/** id-on-SmtpUTF8Mailbox. */
const SMTP_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9";

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

/** How much comparing is left. */
export interface NameBudget {
  /** False when `count` comparisons are more than are left. */
  takeNameComparisons(count: number): boolean;
}

/** Subtrees by the type of their bases. */
type Subtrees = Map<GeneralName["type"], GeneralName[]>;

/** The constraints that the certificates above have imposed. */
export class NameConstraintState {
  /** One entry a certificate with constraints: a name must be permitted by each. */
  readonly #permitted: Subtrees[] = [];
  readonly #excluded: Subtrees = new Map();
  readonly #budget: NameBudget;

  constructor(budget: NameBudget) {
    this.#budget = budget;
  }

  /** Adds the constraints of a CA certificate: intersection of permitted, union of excluded. */
  impose(constraints: NameConstraints): void {
    const permitted: Subtrees = new Map();
    for (const base of constraints.permitted) append(permitted, base);
    this.#permitted.push(permitted);
    for (const base of constraints.excluded) append(this.#excluded, base);
  }

  /** Checks every name of a certificate; self-issued ones are exempt unless they end the path. */
  check(certificate: Certificate, isLeaf: boolean): CertificateProblem[] {
    if (!isLeaf && isSelfIssued(certificate)) return [];
    const problems: CertificateProblem[] = [];
    const names = constrainedNames(certificate);
    for (let index = 0; index < names.length; index++) {
      const violation = this.#violation(names[index] as GeneralName);
      if (violation === undefined) continue;
      const field = fieldOf(index, certificate);
      if (violation === "limit-exceeded")
        return [problem("limit-exceeded", TITLE, field, "more name comparisons than allowed")];
      problems.push(problem("name-constraint", TITLE, field, violation));
    }
    return problems;
  }

  #violation(name: GeneralName): string | undefined {
    // An e-mail address beyond ASCII is under the constraints of e-mail addresses too (RFC 9598, "Name Constraints").
    const isUtf8Mailbox = name.type === "other" && name.oid === SMTP_UTF8_MAILBOX;
    return this.#violationOf(name.type, name) ?? (isUtf8Mailbox ? this.#violationOf("email", name) : undefined);
  }

  /** Compares with the bases of one type. */
  #violationOf(type: GeneralName["type"], name: GeneralName): string | undefined {
    const excluded = this.#excluded.get(type);
    const permitted = this.#permitted.flatMap((subtrees) => subtrees.get(type) ?? []);
    if (excluded === undefined && permitted.length === 0) return undefined;
    if (!this.#budget.takeNameComparisons((excluded ?? []).length + permitted.length)) return "limit-exceeded";
    const isInside = insideOf(name);
    if (excluded?.some((base) => isInside(base, true)))
      return `${type} name inside an excluded subtree, or of a form that cannot be judged`;
    for (const subtrees of this.#permitted)
      if (subtrees.get(type)?.some((base) => isInside(base, false)) === false)
        return `${type} name outside the permitted subtrees`;
    return undefined;
  }
}

function append(subtrees: Subtrees, base: GeneralName): void {
  const list = subtrees.get(base.type);
  if (list === undefined) subtrees.set(base.type, [base]);
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
function fieldOf(index: number, { subject, subjectAltName }: Certificate): string {
  const own = subject.isEmpty ? index : index - 1;
  return subjectAltName === undefined || own < 0 ? "subject" : `subjectAltName[${own}]`;
}

/** Whether a name lies in the subtree of a base of its type. */
type Inside = (base: GeneralName, doubt: boolean) => boolean;

/**
 * Reads a name once for comparing it with many bases. What cannot be judged (other name forms, a URI without a host, a
 * malformed name) is `doubt`: inside every excluded subtree and outside every permitted one.
 */
function insideOf(name: GeneralName): Inside {
  switch (name.type) {
    case "directory":
      return (base) => base.type === "directory" && isWithin(name.value, base.value);
    case "dns": {
      const host = name.value.toLowerCase();
      return (base, doubt) => base.type === "dns" && isDnsInside(host, base.value.toLowerCase(), doubt);
    }
    case "ip":
      return (base, doubt) => base.type === "ip" && isAddressInside(name.value, base.value, doubt);
    case "email": {
      const mailbox = splitMailbox(name.value);
      return (base, doubt) =>
        base.type === "email" &&
        (base.value === "" || (mailbox === undefined ? doubt : isMailboxInside(mailbox, base.value)));
    }
    case "uri": {
      const host = parseUri(name.value)?.host;
      const judged = host !== undefined && isHostName(host);
      return (base, doubt) =>
        base.type === "uri" && (base.value === "" || (judged ? isHostInside(host, base.value.toLowerCase()) : doubt));
    }
    default:
      return (_, doubt) => doubt;
  }
}

function isMailboxInside(mailbox: Mailbox, base: string): boolean {
  const exact = splitMailbox(base);
  if (exact !== undefined) return mailbox.local === exact.local && mailbox.host === exact.host;
  return isHostInside(mailbox.host, base.toLowerCase());
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
