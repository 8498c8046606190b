/** Extension OIDs of RFC 5280 that path validation understands. */
export const ExtensionOid = {
  subjectDirectoryAttributes: "2.5.29.9",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  issuerAltName: "2.5.29.18",
  basicConstraints: "2.5.29.19",
  crlNumber: "2.5.29.20",
  reasonCode: "2.5.29.21",
  invalidityDate: "2.5.29.24",
  deltaCrlIndicator: "2.5.29.27",
  issuingDistributionPoint: "2.5.29.28",
  certificateIssuer: "2.5.29.29",
  nameConstraints: "2.5.29.30",
  crlDistributionPoints: "2.5.29.31",
  certificatePolicies: "2.5.29.32",
  policyMappings: "2.5.29.33",
  authorityKeyIdentifier: "2.5.29.35",
  policyConstraints: "2.5.29.36",
  extendedKeyUsage: "2.5.29.37",
  freshestCrl: "2.5.29.46",
  inhibitAnyPolicy: "2.5.29.54",
  authorityInfoAccess: "1.3.6.1.5.5.7.1.1",
  subjectInfoAccess: "1.3.6.1.5.5.7.1.11",
  ocspNoCheck: "1.3.6.1.5.5.7.48.1.5",
} as const;

export const ANY_POLICY = "2.5.29.32.0";
export const ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
/** id-kp-OCSPSigning (RFC 6960, "Authorized Responders"). */
export const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
/** id-kp-imUri (RFC 9734, "The IM URI Extended Key Usage"). */
export const IM_URI_KEY_PURPOSE = "1.3.6.1.5.5.7.3.40";
/** Access methods of RFC 5280, "Authority Information Access". */
export const CA_ISSUERS = "1.3.6.1.5.5.7.48.2";
export const OCSP_ACCESS = "1.3.6.1.5.5.7.48.1";
/** Default OID of the extension that names the log (an arc for examples, RFC 5612). */
export const LOG_ID_EXTENSION = "1.3.6.1.4.1.32473.9750.1";
