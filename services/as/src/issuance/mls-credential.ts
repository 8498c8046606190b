import { enumeration, encode, opaqueV, struct, tagged, uint16, vectorV } from "@mls-as/tls-codec";

const X509Credential = tagged("credentialType", enumeration(uint16, { x509: 2 }), {
  x509: struct({ certificates: vectorV(opaqueV()) }),
});

/** The TLS encoding of an MLS `Credential` of type x509 (RFC 9420, "Credentials"): leaf first, no root. */
export function encodeX509Credential(chain: readonly Uint8Array[]): Uint8Array {
  return encode(X509Credential, { credentialType: "x509", certificates: chain });
}
