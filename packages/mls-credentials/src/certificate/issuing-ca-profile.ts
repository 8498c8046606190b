import { type Certificate, isCritical } from "./certificate.js";
import { certificateProblems } from "./certificate-checks.js";
import type { GeneralName } from "./general-name.js";
import type { ProfileReason, ProfileReasonCode } from "./mls-profile.js";
import { ExtensionOid } from "./oids.js";

/**
 * Every departure of an issuing CA's certificate from the MLS profile: critical basicConstraints with pathLen 0,
 * keyCertSign, and critical name constraints that permit only the URI host of its domain and exclude all DNS, e-mail, IP
 * and directory names.
 *
 * @param domain the identity domain the CA issues for; when absent any single host is fine.
 */
export function checkIssuingCaProfile(
  certificate: Certificate,
  { domain }: { readonly domain?: string } = {},
): ProfileReason[] {
  const reasons: ProfileReason[] = [];
  const add = (code: ProfileReasonCode, path: string, detail: string): void => {
    reasons.push({ code, section: "MLS certificate profile", path, detail });
  };
  if (certificate.basicConstraints?.ca !== true || certificate.basicConstraints.pathLength !== 0)
    add("profile-basic-constraints", "basicConstraints", "must be cA with pathLen 0");
  else if (!isCritical(certificate.extensions, ExtensionOid.basicConstraints))
    add("profile-basic-constraints", "basicConstraints", "must be critical");
  if (!certificate.keyUsage?.has("keyCertSign")) add("profile-key-usage", "keyUsage", "keyCertSign is not asserted");
  const constraints = certificate.nameConstraints;
  if (constraints === undefined || !isCritical(certificate.extensions, ExtensionOid.nameConstraints))
    add("profile-names", "nameConstraints", "critical name constraints are missing");
  const uris = (constraints?.permitted ?? []).flatMap((name) => (name.type === "uri" ? [name.value] : []));
  if (uris.length !== 1 || uris[0] === "" || (domain !== undefined && uris[0] !== domain))
    add("profile-names", "nameConstraints.permitted", `must be the one URI host ${domain ?? "of the domain"}`);
  for (const type of ["dns", "email", "ip", "directory"] as const)
    if (!excludesAll(constraints?.excluded ?? [], type))
      add("profile-names", "nameConstraints.excluded", `${type} names are not all excluded`);
  const told = new Set(reasons.map(({ path }) => path));
  for (const { section, field, detail } of certificateProblems(certificate, "intermediate"))
    if (!told.has(field)) {
      told.add(field);
      reasons.push({ code: "profile-rfc5280", section, path: field, detail });
    }
  return reasons;
}

function excludesAll(excluded: readonly GeneralName[], type: "dns" | "email" | "ip" | "directory"): boolean {
  const ofType = excluded.filter((name) => name.type === type);
  if (type === "ip")
    return [8, 32].every((length) =>
      ofType.some(
        (name) => name.type === "ip" && name.value.length === length && name.value.every((octet) => octet === 0),
      ),
    );
  return ofType.some((name) => (name.type === "directory" ? name.value.isEmpty : name.value === ""));
}
