import { basicConstraints, extendedKeyUsage, extension, keyUsage, name } from "../certificate-builder.js";
import { nullValue } from "../der-writer.js";
import { ed25519Key } from "../signing-keys.js";
import { type AddCase, authority, type LeafExtensions } from "../world.js";
import { answered, delegate } from "./status.js";

/** Which OCSP responses speak of a certificate, and who may sign them. */
export function ocspResponderCases(add: AddCase): void {
  for (const [hash, expected] of [
    ["sha384", "SUCCESS"],
    ["sha512", "SUCCESS"],
    ["sha3-256", "FAILURE"],
  ] as const)
    add(`ocsp-responder::${hash}`, expected, `The CertID names the issuer by ${hash}.`, () =>
      answered(() => ({ hash })),
    );

  const usages: readonly [string, "SUCCESS" | "FAILURE", string, LeafExtensions][] = [
    ["without-purposes", "FAILURE", "has no extendedKeyUsage", { purposes: null }],
    ["any-purpose", "FAILURE", "is for any purpose", { purposes: extendedKeyUsage(["2.5.29.37.0"]) }],
    ["without-key-usage", "SUCCESS", "has no keyUsage", { usage: null }],
    ["key-usage-other", "FAILURE", "is for key agreement", { usage: keyUsage(["keyAgreement"]) }],
    [
      "no-check-critical",
      "SUCCESS",
      "has a critical ocsp-nocheck",
      { more: [extension("1.3.6.1.5.5.7.48.1.5", true, nullValue)] },
    ],
  ];
  for (const [id, expected, words, extensions] of usages)
    add(`ocsp-responder::${id}`, expected, `The responder's certificate ${words}.`, () =>
      answered((set) => ({ signer: delegate(set, {}, extensions) })),
    );

  add("ocsp-responder::another-name", "FAILURE", "The response names another responder than signs it.", () =>
    answered((set) => ({ signer: { ...delegate(set), name: name(["CN", "Another responder"]) } })),
  );
  add("ocsp-responder::of-a-namesake-key", "FAILURE", "Another CA with the issuer's key certified the responder.", () =>
    answered((set) => {
      const another = authority("Another", set.root, { key: set.issuing.key });
      return { signer: delegate({ ...set, issuing: another }) };
    }),
  );
  add("ocsp-responder::under-the-issuers-name", "SUCCESS", "The responder has the issuer's name and another key.", () =>
    answered((set) => ({
      signer: { ...delegate(set, { subject: set.issuing.name }), name: set.issuing.name },
    })),
  );
  add(
    "ocsp-responder::under-the-issuers-name-alone",
    "FAILURE",
    "As before, without a certificate of the issuer.",
    () => answered(() => ({ signer: authority("Issuing", undefined, { key: ed25519Key("Responder") }) })),
  );
  add("ocsp-responder::of-a-lenient-issuer", "SUCCESS", "The issuer's basicConstraints is not critical.", () =>
    answered((set) => ({ signer: delegate(set) }), { basic: basicConstraints(true, 0, false) }),
  );
}
