import pkcs11 from "pkcs11js";
import type { Handle } from "./pkcs11-sessions.js";
import { algorithmOfPublicKey, keyId, subjectPublicKeyInfo } from "./public-key.js";
import { KEY_ROLES, type KeyAlgorithm, type KeyRole, SignerError } from "./signer.js";

/** Constants of PKCS #11 3.0 that the binding does not name. */
const CKK_EC_EDWARDS = 0x40;
const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055;
export const CKM_EDDSA = 0x1057;

/** A key pair on a token. */
export interface TokenKey {
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  /** CKA_ID, which its private key shares. */
  readonly objectId: Uint8Array;
  readonly label: string;
  /** What the label says; undefined for a key that another tool has made. */
  readonly role: KeyRole | undefined;
}

/** Keys that we make carry their role in the label. */
const LABEL = "mls-as:";

export function labelOf(role: KeyRole): string {
  return `${LABEL}${role}`;
}

function roleOf(label: string): KeyRole | undefined {
  return KEY_ROLES.find((role) => label === labelOf(role));
}

const P256_PARAMETERS = Buffer.from("06082a8648ce3d030107", "hex");
const ED25519_PARAMETERS = Buffer.from("06032b6570", "hex");

/** The raw key in CKA_EC_POINT: bare, or wrapped as OCTET STRING or BIT STRING, as tokens differ. */
function pointOf(algorithm: KeyAlgorithm, value: Buffer): Uint8Array | undefined {
  const length = algorithm === "Ed25519" ? 32 : 65;
  if (value.length === length) return value;
  const wrapped =
    (value.length === length + 2 && value[0] === 0x04 && value[1] === length) ||
    (value.length === length + 3 && value[0] === 0x03 && value[1] === length + 1 && value[2] === 0);
  return wrapped ? value.subarray(-length) : undefined;
}

function algorithmOf(keyType: Buffer, parameters: Buffer): KeyAlgorithm | undefined {
  const type = keyType.readUInt8(0);
  if (type === CKK_EC_EDWARDS) {
    // X25519 has no signatures; tokens write the curve as an OID or as a name.
    const named = parameters.equals(ED25519_PARAMETERS) || parameters.subarray(2).toString("latin1") === "edwards25519";
    return named ? "Ed25519" : undefined;
  }
  return type === pkcs11.CKK_EC && parameters.equals(P256_PARAMETERS) ? "P-256" : undefined;
}

function findAll(library: pkcs11.PKCS11, session: Handle, template: pkcs11.Template): Handle[] {
  library.C_FindObjectsInit(session, template);
  try {
    const found: Handle[] = [];
    for (;;) {
      const page = library.C_FindObjects(session, 64);
      found.push(...page);
      if (page.length < 64) return found;
    }
  } finally {
    library.C_FindObjectsFinal(session);
  }
}

function attributes(library: pkcs11.PKCS11, session: Handle, object: Handle, types: readonly number[]): Buffer[] {
  const template = types.map((type) => ({ type }));
  return library.C_GetAttributeValue(session, object, template).map(({ value }) => Buffer.from(value));
}

/** Every Ed25519 and P-256 key of the token that has a public half. */
export function tokenKeys(
  library: pkcs11.PKCS11,
  session: Handle,
  filter: { readonly label?: string; readonly objectId?: Uint8Array } = {},
): TokenKey[] {
  const template: pkcs11.Template = [{ type: pkcs11.CKA_CLASS, value: pkcs11.CKO_PUBLIC_KEY }];
  if (filter.label !== undefined) template.push({ type: pkcs11.CKA_LABEL, value: filter.label });
  if (filter.objectId !== undefined) template.push({ type: pkcs11.CKA_ID, value: Buffer.from(filter.objectId) });
  const keys: TokenKey[] = [];
  for (const object of findAll(library, session, template)) {
    const [type] = attributes(library, session, object, [pkcs11.CKA_KEY_TYPE]);
    const kind = type?.readUInt8(0);
    if (kind !== pkcs11.CKK_EC && kind !== CKK_EC_EDWARDS) continue;
    const types = [pkcs11.CKA_EC_PARAMS, pkcs11.CKA_EC_POINT, pkcs11.CKA_ID, pkcs11.CKA_LABEL];
    const [parameters, point, objectId, label] = attributes(library, session, object, types);
    if (type === undefined || parameters === undefined || point === undefined) continue;
    const algorithm = algorithmOf(type, parameters);
    const raw = algorithm === undefined ? undefined : pointOf(algorithm, point);
    if (algorithm === undefined || raw === undefined) continue;
    const publicKey = subjectPublicKeyInfo(algorithm, raw);
    if (algorithmOfPublicKey(publicKey) !== algorithm) continue;
    const text = label?.toString("utf8") ?? "";
    const named = { id: keyId(publicKey), algorithm, publicKey, objectId: new Uint8Array(objectId ?? []) };
    keys.push({ ...named, label: text, role: roleOf(text) });
  }
  return keys;
}

/** Makes a key pair that stays on the token: sensitive, never extractable, for signing alone. */
export async function generateTokenKey(
  library: pkcs11.PKCS11,
  session: Handle,
  role: KeyRole,
  algorithm: KeyAlgorithm,
  objectId: Uint8Array,
): Promise<void> {
  const shared = [
    { type: pkcs11.CKA_TOKEN, value: true },
    { type: pkcs11.CKA_ID, value: Buffer.from(objectId) },
    { type: pkcs11.CKA_LABEL, value: labelOf(role) },
  ];
  const parameters = algorithm === "Ed25519" ? ED25519_PARAMETERS : P256_PARAMETERS;
  const mechanism = algorithm === "Ed25519" ? CKM_EC_EDWARDS_KEY_PAIR_GEN : pkcs11.CKM_EC_KEY_PAIR_GEN;
  await library.C_GenerateKeyPairAsync(
    session,
    { mechanism },
    [
      ...shared,
      { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_PUBLIC_KEY },
      { type: pkcs11.CKA_EC_PARAMS, value: parameters },
      { type: pkcs11.CKA_VERIFY, value: true },
    ],
    [
      ...shared,
      { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_PRIVATE_KEY },
      { type: pkcs11.CKA_PRIVATE, value: true },
      { type: pkcs11.CKA_SENSITIVE, value: true },
      { type: pkcs11.CKA_EXTRACTABLE, value: false },
      { type: pkcs11.CKA_SIGN, value: true },
    ],
  );
}

/** The private key of a pair. @throws SignerError `key-unknown`, `key-exportable` */
export function privateKeyHandle(library: pkcs11.PKCS11, session: Handle, key: TokenKey): Handle {
  const found = findAll(library, session, [
    { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_PRIVATE_KEY },
    { type: pkcs11.CKA_ID, value: Buffer.from(key.objectId) },
  ]);
  const [handle] = found;
  if (handle === undefined)
    throw new SignerError("key-unknown", `the token holds no private key for ${key.id}`, { path: key.id });
  if (found.length > 1)
    throw new SignerError("uri-invalid", `${found.length} private keys share the CKA_ID of ${key.id}`, {
      path: key.id,
      section: "PKCS #11 URI Matching Guidelines",
    });
  const [sensitive, extractable] = attributes(library, session, handle, [pkcs11.CKA_SENSITIVE, pkcs11.CKA_EXTRACTABLE]);
  if (sensitive?.[0] !== 1 || extractable?.[0] !== 0)
    throw new SignerError(
      "key-exportable",
      `key ${key.id} can be read out of its token; use one made with CKA_SENSITIVE and without CKA_EXTRACTABLE`,
      { path: key.id },
    );
  return handle;
}
