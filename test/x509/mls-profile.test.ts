import {
  checkIssuingCaProfile,
  checkMlsProfile,
  logIdOf,
  mlsNames,
  parseCertificate,
  tbsCertificateHash,
} from "@mls-as/mls-credentials";
import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { basicConstraints } from "./certificate-builder.js";
import { ecdsaKey, ed25519Key } from "./signing-keys.js";
import { CLIENT, leaf, type LeafExtensions, USER, usualChain } from "./world.js";

const { issuing } = usualChain();
const codes = (
  extensions: LeafExtensions,
  overrides: Parameters<typeof leaf>[2] = {},
  context: Parameters<typeof checkMlsProfile>[1] = {},
): string[] => checkMlsProfile(parseCertificate(leaf(issuing, extensions, overrides)), context).map(({ code }) => code);

describe("MLS certificate profile", () => {
  it("accepts a conforming certificate, for every key type of the profile", () => {
    for (const key of [
      ed25519Key("leaf"),
      ecdsaKey("leaf", "P-256"),
      ecdsaKey("leaf", "P-384"),
      ecdsaKey("leaf", "P-521"),
    ])
      expect(codes({}, { key })).toEqual([]);
    const certificate = parseCertificate(leaf(issuing));
    const publicKey = certificate.signatureKey?.publicKey ?? new Uint8Array(0);
    const logId = logIdOf(certificate);
    expect(logId).toHaveLength(32);
    const context = { signatureKey: publicKey, scheme: 0x0807, user: USER, client: CLIENT, logId: logId ?? publicKey };
    expect(checkMlsProfile(certificate, context)).toEqual([]);
    expect(mlsNames(certificate)).toEqual({ user: USER, client: CLIENT });
  });

  it("compares with the leaf node, the reference identifier, the log and the policy", () => {
    expect(codes({}, {}, { signatureKey: new Uint8Array(32) })).toEqual(["profile-key-mismatch"]);
    expect(codes({}, {}, { scheme: 0x0403 })).toEqual(["profile-scheme-mismatch"]);
    expect(codes({}, {}, { user: "mimi://mls.example/u/bob" })).toEqual(["profile-user-mismatch"]);
    expect(codes({}, {}, { client: `${CLIENT}2` })).toEqual(["profile-client-mismatch"]);
    expect(codes({}, {}, { logId: new Uint8Array(32) })).toEqual(["profile-log-id"]);
    expect(codes({}, {}, { maximumLifetime: 86_400 })).toEqual(["profile-lifetime"]);
  });

  it("hashes what the log binds, as another parser sees it", () => {
    const der = leaf(issuing);
    const certificate = parseCertificate(der);
    expect(Buffer.from(tbsCertificateHash(certificate))).toEqual(createHash("sha256").update(certificate.tbs).digest());
    expect(Buffer.from(certificate.spki)).toEqual(
      new X509Certificate(der).publicKey.export({ format: "der", type: "spki" }),
    );
    expect(certificate.serialHex.toUpperCase()).toBe(new X509Certificate(der).serialNumber);
  });
});

describe("issuing CA profile", () => {
  it("accepts the usual issuing CA and names what another lacks", () => {
    expect(checkIssuingCaProfile(parseCertificate(issuing.der), { domain: "mls.example" })).toEqual([]);
    expect(
      checkIssuingCaProfile(parseCertificate(issuing.der), { domain: "other.example" }).map(({ path }) => path),
    ).toEqual(["nameConstraints.permitted"]);
    const lenient = usualChain({ basic: basicConstraints(true, 0, false) }).issuing;
    expect(checkIssuingCaProfile(parseCertificate(lenient.der))).toMatchObject([
      { code: "profile-basic-constraints", path: "basicConstraints" },
    ]);
    const bare = usualChain({ basic: basicConstraints(true), more: [] }).issuing;
    expect(new Set(checkIssuingCaProfile(parseCertificate(bare.der)).map(({ path }) => path))).toEqual(
      new Set(["basicConstraints", "nameConstraints", "nameConstraints.permitted", "nameConstraints.excluded"]),
    );
  });
});
