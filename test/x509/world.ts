import {
  type Authority,
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  type CertificateOptions,
  certificate,
  crlDistributionPoints,
  directory,
  dns,
  email,
  extendedKeyUsage,
  ip,
  keyUsage,
  logId,
  name,
  nameConstraints,
  subjectAltName,
  subjectKeyIdentifier,
  uri,
} from "./certificate-builder.js";
import { ed25519Key, type TestKey } from "./signing-keys.js";

/** A case in the schema of x509-limbo, before it is written. */
export interface CaseInput {
  readonly leaf: Uint8Array;
  readonly intermediates?: readonly Uint8Array[];
  readonly anchors?: readonly Uint8Array[];
  readonly time?: string;
  readonly crls?: readonly Uint8Array[];
  readonly ocsp?: readonly Uint8Array[];
  readonly purposes?: readonly string[];
  readonly maxDepth?: number;
  readonly initialPolicies?: readonly string[];
  readonly requireExplicitPolicy?: boolean;
  readonly inhibitPolicyMapping?: boolean;
  readonly inhibitAnyPolicy?: boolean;
}

export type AddCase = (
  id: string,
  expected: "SUCCESS" | "FAILURE",
  description: string,
  build: () => CaseInput,
) => void;

export const USER = "mimi://mls.example/u/alice";
export const CLIENT = "mimi://mls.example/d/alice/phone";
export const NAMES = [uri(USER), uri(CLIENT)];
export const NO_NAME = name();
export const IM_URI = "1.3.6.1.5.5.7.3.40";

export const zeros = (length: number): number[] => Array.from({ length }, () => 0);

/** Constraints of an issuing CA: URIs on the one host; no DNS, e-mail, IP or directory names. */
export const ISSUING_EXCLUDED = [email(""), dns(""), directory(NO_NAME), ip(...zeros(8)), ip(...zeros(32))];
export const issuingConstraints = (host = "mls.example") => nameConstraints([uri(host)], ISSUING_EXCLUDED);

type Overrides = Partial<CertificateOptions>;

/** Extensions of a CA certificate, by kind, in order; `null` leaves one out. */
export interface CaExtensions {
  readonly basic?: Uint8Array | null;
  readonly usage?: Uint8Array | null;
  readonly ski?: Uint8Array | null;
  readonly aki?: Uint8Array | null;
  readonly more?: readonly Uint8Array[];
}

const present = (parts: readonly (Uint8Array | null | undefined)[]): Uint8Array[] =>
  parts.filter((part) => part !== null && part !== undefined);

/** A CA certified by `issuer`, or self-signed without one. */
export function authority(
  label: string,
  issuer?: Authority,
  {
    extensions = {},
    key = ed25519Key(label),
    subject = name(["O", "MLS Example"], ["CN", label]),
    signer,
    ...overrides
  }: Omit<Overrides, "extensions"> & {
    extensions?: CaExtensions;
    key?: TestKey;
  } = {},
): Authority {
  const issuerName = issuer?.name ?? subject;
  const signing = signer ?? issuer?.key ?? key;
  const pick = (given: Uint8Array | null | undefined, usual: Uint8Array): Uint8Array | null =>
    given === undefined ? usual : given;
  const list = present([
    pick(extensions.basic, basicConstraints(true)),
    pick(extensions.usage, keyUsage(["keyCertSign", "cRLSign"])),
    pick(extensions.ski, subjectKeyIdentifier(key)),
    issuer === undefined ? (extensions.aki ?? null) : pick(extensions.aki, authorityKeyIdentifier(signing)),
    ...(extensions.more ?? []),
  ]);
  const der = certificate({
    subject,
    issuer: issuerName,
    subjectKey: key,
    signer: signing,
    extensions: list,
    ...overrides,
  });
  return { name: subject, key, der };
}

/** Extensions of a leaf, by kind; `null` leaves one out. */
export interface LeafExtensions {
  readonly names?: Uint8Array | null;
  readonly usage?: Uint8Array | null;
  readonly purposes?: Uint8Array | null;
  readonly basic?: Uint8Array | null;
  readonly ski?: Uint8Array | null;
  readonly aki?: Uint8Array | null;
  readonly points?: Uint8Array | null;
  readonly access?: Uint8Array | null;
  readonly log?: Uint8Array | null;
  readonly more?: readonly Uint8Array[];
}

/** A client's certificate in the MLS profile, with what the case wants otherwise. */
export function leaf(
  issuer: Authority,
  extensions: LeafExtensions = {},
  { key = ed25519Key("leaf"), ...overrides }: Omit<Overrides, "extensions"> & { key?: TestKey } = {},
): Uint8Array {
  const pick = (given: Uint8Array | null | undefined, usual: Uint8Array): Uint8Array | null =>
    given === undefined ? usual : given;
  const list = present([
    pick(extensions.names, subjectAltName(NAMES)),
    pick(extensions.usage, keyUsage(["digitalSignature"])),
    pick(extensions.purposes, extendedKeyUsage([IM_URI])),
    pick(extensions.basic, basicConstraints(false)),
    pick(extensions.ski, subjectKeyIdentifier(key)),
    pick(extensions.aki, authorityKeyIdentifier(issuer.key)),
    pick(extensions.points, crlDistributionPoints({ names: [uri("http://as.mls.example/crl/1.crl")] })),
    pick(extensions.access, authorityInfoAccess()),
    pick(extensions.log, logId()),
    ...(extensions.more ?? []),
  ]);
  return certificate({
    subject: NO_NAME,
    issuer: issuer.name,
    subjectKey: key,
    signer: issuer.key,
    extensions: list,
    ...overrides,
  });
}

/** The usual chain: root, constrained issuing CA of pathLen 0. */
export function usualChain(issuing: CaExtensions = {}): { root: Authority; issuing: Authority } {
  const root = authority("Root");
  const extensions = { basic: basicConstraints(true, 0), more: [issuingConstraints()], ...issuing };
  return { root, issuing: authority("Issuing", root, { extensions }) };
}

/** A case over the usual chain. */
export function withLeaf(
  build: (issuing: Authority, root: Authority) => Uint8Array,
  issuingExtensions: CaExtensions = {},
): CaseInput {
  const { root, issuing } = usualChain(issuingExtensions);
  return { leaf: build(issuing, root), intermediates: [issuing.der], anchors: [root.der] };
}
