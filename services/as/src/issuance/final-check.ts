import { type Certificate, checkMlsProfile, parseCertificate, validatePath } from "@mls-as/mls-credentials";
import type { CryptoProvider } from "@mls-as/mls-core";
import type { IssuingCa } from "../ca/authority.js";
import type { Config } from "../config.js";
import type { FinalCheck } from "./intent-driver.js";

/** The check that members will make, made before a certificate leaves: its profile, and its path to the issuing CA. */
export function memberCheck(provider: CryptoProvider, config: Config, logId: Uint8Array): FinalCheck {
  const anchors = new WeakMap<IssuingCa, Certificate>();
  const anchorOf = (issuer: IssuingCa): Certificate => {
    const anchor = anchors.get(issuer) ?? parseCertificate(issuer.certificate);
    anchors.set(issuer, anchor);
    return anchor;
  };
  return async (der, credential, issuer) => {
    const certificate = parseCertificate(der);
    const [flaw] = checkMlsProfile(certificate, {
      user: credential.user,
      client: credential.client,
      logId,
      maximumLifetime: config.certificateLifetime + config.backdate,
    });
    if (flaw !== undefined) return `${flaw.code}: ${flaw.detail}`;
    const result = await validatePath({
      leaf: certificate,
      intermediates: [],
      anchors: [anchorOf(issuer)],
      time: credential.notBefore,
      provider,
    });
    return result.valid ? undefined : result.reasons.map(({ code }) => code).join(", ");
  };
}
