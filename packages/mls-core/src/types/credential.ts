import { type Codec, CodecError, lazy, opaqueV, struct, uint16, vectorV } from "@mls-as/tls-codec";

/** Values of RFC 9420, "MLS Credential Types", and of draft-ietf-mls-extensions, "MLS Credential Types". */
export const CredentialType = { basic: 1, x509: 2, multi: 3, weakMulti: 4 } as const;

export interface BasicCredential {
  readonly credentialType: "basic";
  readonly identity: Uint8Array;
}

export interface X509Credential {
  readonly credentialType: "x509";
  /** DER certificates, the end entity first. The codec allows an empty chain; the checks do not. */
  readonly certificates: readonly Uint8Array[];
}

/** Several credentials, each bound to the leaf's signature key (draft-ietf-mls-extensions, "Multi-Credentials"). */
export interface MultiCredential {
  readonly credentialType: "multi" | "weakMulti";
  readonly bindings: readonly CredentialBinding[];
}

/** A credential of a type that is not known here, kept as it came. */
export interface UnknownCredential {
  readonly credentialType: "unknown";
  /** Its CredentialType. */
  readonly value: number;
  /** Content of the variable-size vector it consists of. */
  readonly content: Uint8Array;
}

/** RFC 9420, "Credentials". */
export type Credential = BasicCredential | X509Credential | MultiCredential | UnknownCredential;

/** draft-ietf-mls-extensions, "Multi-Credentials". */
export interface CredentialBinding {
  readonly cipherSuite: number;
  readonly credential: Credential;
  readonly credentialKey: Uint8Array;
  /** SignWithLabel(., "CredentialBindingTBS", CredentialBindingTBS) */
  readonly signature: Uint8Array;
}

const Basic = struct({ identity: opaqueV() });
const X509 = struct({ certificates: vectorV(opaqueV()) });
const Multi = lazy(() => struct({ bindings: vectorV(CredentialBinding) }), 1);
// Every credential type defined so far is one variable-size vector; without that an unknown one could not be skipped.
const Unknown = struct({ content: opaqueV() });
const DEFINED: ReadonlySet<number> = new Set(Object.values(CredentialType));

/** The CredentialType of a credential, as capabilities list it. */
export function credentialTypeOf(credential: Credential): number {
  return credential.credentialType === "unknown" ? credential.value : CredentialType[credential.credentialType];
}

/** RFC 9420, "Credentials". Types without a definition here are preserved. */
export const Credential: Codec<Credential> = {
  minSize: 3,
  write(writer, credential) {
    uint16.write(writer, credentialTypeOf(credential));
    switch (credential.credentialType) {
      case "basic":
        return Basic.write(writer, credential);
      case "x509":
        return X509.write(writer, credential);
      case "multi":
      case "weakMulti":
        return Multi.write(writer, credential);
      case "unknown":
        if (DEFINED.has(credential.value))
          throw new CodecError("invalid-value", `${credential.value} is not an unknown type`, writer.length);
        return Unknown.write(writer, credential);
    }
  },
  read(reader) {
    const value = uint16.read(reader);
    switch (value) {
      case CredentialType.basic:
        return { credentialType: "basic", ...Basic.read(reader) };
      case CredentialType.x509:
        return { credentialType: "x509", ...X509.read(reader) };
      case CredentialType.multi:
        return { credentialType: "multi", ...Multi.read(reader) };
      case CredentialType.weakMulti:
        return { credentialType: "weakMulti", ...Multi.read(reader) };
      default:
        return { credentialType: "unknown", value, ...Unknown.read(reader) };
    }
  },
};

export const CredentialBinding: Codec<CredentialBinding> = struct({
  cipherSuite: uint16,
  credential: Credential,
  credentialKey: opaqueV(),
  signature: opaqueV(),
});

/** What a binding's signature covers. */
export interface CredentialBindingTBS {
  readonly cipherSuite: number;
  readonly credential: Credential;
  readonly credentialKey: Uint8Array;
  /** Of the LeafNode that carries the multi-credential. */
  readonly signatureKey: Uint8Array;
}
export const CredentialBindingTBS: Codec<CredentialBindingTBS> = struct({
  cipherSuite: uint16,
  credential: Credential,
  credentialKey: opaqueV(),
  signatureKey: opaqueV(),
});
