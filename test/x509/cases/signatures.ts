import { basicConstraints } from "../certificate-builder.js";
import { bitString, bytes, concat, element, explicit, hex, integer, nullValue, oid, sequence } from "../der-writer.js";
import {
  bareKey,
  ecdsaKey,
  ed25519Key,
  ed448Key,
  pssKey,
  pssParameters,
  rsaKey,
  type TestKey,
} from "../signing-keys.js";
import { type AddCase, authority, type CaseInput, leaf, withLeaf } from "../world.js";

const flip = (signature: Uint8Array): Uint8Array =>
  signature.map((octet, index) => (index === signature.length - 1 ? octet ^ 1 : octet));

/** A root of this key that issues a leaf of another. */
function signedBy(
  key: TestKey,
  leafKey: TestKey = ed25519Key("leaf"),
  overrides: Parameters<typeof leaf>[2] = {},
): CaseInput {
  const root = authority("Root", undefined, { key });
  return { leaf: leaf(root, {}, { key: leafKey, ...overrides }), anchors: [root.der] };
}

/** A good root certifies an issuing CA whose key is the matter. */
function issuedByKey(key: TestKey): CaseInput {
  const root = authority("Root");
  const issuing = authority("Issuing", root, { key });
  return { leaf: leaf(issuing), intermediates: [issuing.der], anchors: [root.der] };
}

export function signatureCases(add: AddCase): void {
  const keys: readonly [string, () => TestKey][] = [
    ["ed25519", () => ed25519Key("Root")],
    ["ed448", () => ed448Key("Root")],
    ["p256-sha256", () => ecdsaKey("Root", "P-256")],
    ["p256-sha384", () => ecdsaKey("Root", "P-256", "sha384")],
    ["p384-sha256", () => ecdsaKey("Root", "P-384", "sha256")],
    ["p384-sha384", () => ecdsaKey("Root", "P-384")],
    ["p521-sha512", () => ecdsaKey("Root", "P-521")],
    ["p521-sha224", () => ecdsaKey("Root", "P-521", "sha224")],
    ["rsa-sha256", () => rsaKey("root", "sha256")],
    ["rsa-sha384", () => rsaKey("root", "sha384")],
    ["rsa-sha512", () => rsaKey("root", "sha512")],
    ["pss-sha256", () => pssKey("root", "sha256")],
    ["pss-sha512", () => pssKey("root", "sha512")],
    ["pss-restricted-key", () => pssKey("root", "sha256", { restricted: true })],
  ];
  for (const [id, key] of keys) {
    add(`algorithm::${id}`, "SUCCESS", `A chain signed with ${id}.`, () => signedBy(key()));
    add(`algorithm::${id}-flipped`, "FAILURE", `The last bit of a ${id} signature is flipped.`, () =>
      signedBy(key(), undefined, { signature: flip }),
    );
  }
  for (const curve of ["P-256", "P-384", "P-521"] as const)
    add(`leaf-key::${curve.toLowerCase()}`, "SUCCESS", `A leaf with a ${curve} key.`, () =>
      signedBy(ed25519Key("Root"), ecdsaKey("leaf", curve)),
    );
  add("algorithm::rsa-sha1", "FAILURE", "SHA-1 signatures are not accepted.", () => signedBy(rsaKey("root", "sha1")));
  add("algorithm::ecdsa-sha1", "FAILURE", "SHA-1 signatures are not accepted.", () =>
    signedBy(ecdsaKey("Root", "P-256", "sha1")),
  );
  add("algorithm::rsa-1024", "FAILURE", "An RSA key of 1,024 bits is too weak.", () =>
    signedBy(rsaKey("small", "sha256", 128)),
  );

  const ed25519 = sequence(oid("1.3.101.112"));
  add("parameters::ed25519-null", "FAILURE", "Ed25519 takes no parameters.", () =>
    signedBy({ ...ed25519Key("Root"), algorithm: sequence(oid("1.3.101.112"), nullValue) }),
  );
  add("parameters::ed25519-key-null", "FAILURE", "An Ed25519 key takes no parameters.", () => {
    const key = ed25519Key("Root");
    return signedBy({
      ...key,
      spki: sequence(sequence(oid("1.3.101.112"), nullValue), bitString(key.spki.subarray(-32))),
    });
  });
  add("parameters::ecdsa-null", "FAILURE", "ecdsa-with-SHA256 takes no parameters.", () =>
    signedBy({ ...ecdsaKey("Root", "P-256"), algorithm: sequence(oid("1.2.840.10045.4.3.2"), nullValue) }),
  );
  add("parameters::rsa-absent", "FAILURE", "sha256WithRSAEncryption takes NULL.", () =>
    signedBy({ ...rsaKey("root"), algorithm: sequence(oid("1.2.840.113549.1.1.11")) }),
  );
  add("parameters::rsa-not-null", "FAILURE", "sha256WithRSAEncryption takes NULL.", () =>
    signedBy({ ...rsaKey("root"), algorithm: sequence(oid("1.2.840.113549.1.1.11"), sequence()) }),
  );
  add("parameters::inner-outer-differ", "FAILURE", "The algorithm stands twice and must be the same.", () =>
    signedBy(ed25519Key("Root"), undefined, { outerAlgorithm: sequence(oid("1.3.101.113")), innerAlgorithm: ed25519 }),
  );
  add("parameters::inner-other", "FAILURE", "The TBSCertificate names another algorithm than the signature.", () =>
    signedBy(ed25519Key("Root"), undefined, { innerAlgorithm: sequence(oid("1.3.101.113")), outerAlgorithm: ed25519 }),
  );
  add("parameters::key-of-other-kind", "FAILURE", "The algorithm does not fit the issuer's key.", () =>
    signedBy({ ...ed25519Key("Root"), algorithm: sequence(oid("1.2.840.10045.4.3.2")) }),
  );
  add("parameters::unknown-algorithm", "FAILURE", "An unknown signature algorithm.", () =>
    signedBy({ ...ed25519Key("Root"), algorithm: sequence(oid("1.3.6.1.4.1.32473.2")) }),
  );
  add("pss::absent-parameters", "FAILURE", "RSASSA-PSS signatures carry parameters.", () =>
    signedBy({ ...pssKey("root", "sha256"), algorithm: sequence(oid("1.2.840.113549.1.1.10")) }),
  );
  add("pss::default-parameters", "FAILURE", "The defaults are SHA-1.", () =>
    signedBy(pssKey("root", "sha1", { parameters: sequence() })),
  );
  add("pss::mask-of-other-hash", "FAILURE", "Mask and message have the same hash.", () =>
    signedBy(pssKey("root", "sha256", { parameters: pssParameters("sha256", "sha512", 32) })),
  );
  add("pss::wrong-salt-length", "FAILURE", "The salt is longer than the parameters say.", () =>
    signedBy(pssKey("root", "sha256", { parameters: pssParameters("sha256", "sha256", 20 + 1) })),
  );
  add("pss::explicit-trailer", "FAILURE", "The default trailer field is left out.", () =>
    signedBy(pssKey("root", "sha256", { parameters: pssParameters("sha256", "sha256", 32, explicit(3, integer(1))) })),
  );
  add("pss::wrong-trailer-octet", "FAILURE", "The encoded message ends in BC.", () =>
    signedBy(pssKey("root", "sha256", { trailer: 0xbd })),
  );
  add("pss::pkcs1-by-restricted-key", "FAILURE", "An id-RSASSA-PSS key makes no PKCS#1 signatures.", () =>
    signedBy({ ...rsaKey("root"), spki: pssKey("root", "sha256", { restricted: true }).spki }),
  );
  add("pss::restricted-to-other-hash", "FAILURE", "The key is restricted to another hash.", () =>
    signedBy(pssKey("root", "sha256", { restricted: true, restriction: pssParameters("sha512", "sha512", 64) })),
  );
  add("pkcs1::digest-info-without-null", "FAILURE", "The one encoding of DigestInfo has NULL parameters.", () =>
    signedBy(
      rsaKey("root", "sha256", 256, (info) => {
        const bare = sequence(sequence(oid("2.16.840.1.101.3.4.2.1")), info.subarray(info.length - 34));
        return concat(bytes(0, 1), new Uint8Array(253 - bare.length).fill(0xff), bytes(0), bare);
      }),
    ),
  );
  add("pkcs1::short-padding", "FAILURE", "Bytes after DigestInfo in place of padding.", () =>
    signedBy(
      rsaKey("root", "sha256", 256, (info) =>
        concat(bytes(0, 1), new Uint8Array(8).fill(0xff), bytes(0), info, new Uint8Array(256 - 11 - info.length)),
      ),
    ),
  );
  add("pkcs1::block-type-2", "FAILURE", "Block type 2 is for encryption.", () =>
    signedBy(
      rsaKey("root", "sha256", 256, (info) =>
        concat(bytes(0, 2), new Uint8Array(253 - info.length).fill(0xff), bytes(0), info),
      ),
    ),
  );
  add("pkcs1::leading-zero", "FAILURE", "A signature one octet longer than the modulus.", () =>
    signedBy(rsaKey("root"), undefined, { signature: (signature) => concat(bytes(0), signature) }),
  );

  const p256 = () => ecdsaKey("Root", "P-256");
  const ecdsa: readonly [string, string, (signature: Uint8Array) => Uint8Array][] = [
    ["raw", "r and s side by side.", () => new Uint8Array(64).fill(1)],
    ["zero-r", "r is zero.", () => sequence(integer(0), integer(1))],
    ["zero", "Both are zero.", () => sequence(integer(0), integer(0))],
    ["negative-s", "s is negative.", () => sequence(integer(1), integer(-1))],
    [
      "order",
      "s is the order of the curve.",
      () => sequence(integer(1), integer(0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n)),
    ],
    ["trailing", "Bytes after the SEQUENCE.", (signature) => concat(signature, bytes(0))],
    ["third-integer", "Three integers.", (signature) => element(0x30, signature.subarray(2), integer(1))],
    [
      "padded-r",
      "r not in its shortest form.",
      (signature) => element(0x30, bytes(2, (signature[3] ?? 0) + 2, 0, 0), signature.subarray(4)),
    ],
    [
      "long-length",
      "A length not in its shortest form.",
      (signature) => concat(bytes(0x30, 0x81), signature.subarray(1)),
    ],
    ["empty", "No signature.", () => new Uint8Array(0)],
  ];
  for (const [id, description, signature] of ecdsa)
    add(`ecdsa::${id}`, "FAILURE", description, () => signedBy(p256(), undefined, { signature }));
  add("ed25519::unreduced-s", "FAILURE", "s plus the group order.", () =>
    signedBy(ed25519Key("Root"), undefined, {
      signature: (signature) => {
        const value =
          BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString("hex")}`) +
          2n ** 252n +
          27742317777372353535851937790883648493n;
        return concat(
          signature.subarray(0, 32),
          Uint8Array.from(Buffer.from(value.toString(16).padStart(64, "0"), "hex")).toReversed(),
        );
      },
    }),
  );
  add("ed25519::truncated", "FAILURE", "63 octets.", () =>
    signedBy(ed25519Key("Root"), undefined, { signature: (signature) => signature.subarray(0, 63) }),
  );
  add("signature::unused-bits", "FAILURE", "A signature of whole octets.", () =>
    withLeaf((issuing) =>
      leaf(
        issuing,
        {},
        { encode: (tbs = bytes(), algorithm = bytes()) => sequence(tbs, algorithm, bitString(new Uint8Array(64), 3)) },
      ),
    ),
  );
  add("signature::of-another-key", "FAILURE", "The name chains, the key does not.", () =>
    withLeaf((issuing) => leaf({ ...issuing, key: ed25519Key("Mallory") })),
  );
  add("signature::forged-root-name", "FAILURE", "A self-made root of the same name as the anchor.", () => {
    const forged = authority("Root", undefined, { key: ed25519Key("Mallory") });
    return { leaf: leaf(forged), intermediates: [forged.der], anchors: [authority("Root").der] };
  });
  add("signature::changed-after-signing", "FAILURE", "A name is changed after signing.", () =>
    withLeaf((issuing) => {
      const der = Buffer.from(leaf(issuing));
      der.write("mallo", der.indexOf("alice"), "latin1");
      return Uint8Array.from(der);
    }),
  );

  const edKey = (key: string) => bareKey(sequence(ed25519, bitString(hex(key))));
  const weak: readonly [string, string, () => TestKey][] = [
    ["ed25519-identity", "The identity as a key verifies anything.", () => edKey(`01${"00".repeat(31)}`)],
    ["ed25519-order-2", "A point of order two.", () => edKey(`ec${"ff".repeat(30)}7f`)],
    ["ed25519-order-4", "A point of order four.", () => edKey("00".repeat(32))],
    [
      "ed25519-order-8",
      "A point of order eight.",
      () => edKey("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ],
    ["ed25519-not-canonical", "y is not reduced.", () => edKey(`ee${"ff".repeat(30)}7f`)],
    ["ed25519-33-octets", "A key of 33 octets.", () => edKey("11".repeat(33))],
    [
      "p256-off-curve",
      "The point is not on the curve.",
      () =>
        bareKey(
          sequence(
            sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")),
            bitString(concat(bytes(4), new Uint8Array(64).fill(5))),
          ),
        ),
    ],
    [
      "p256-infinity",
      "The point at infinity.",
      () => bareKey(sequence(sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bitString(bytes(0)))),
    ],
    ["p256-compressed", "A compressed point.", () => ecdsaKey("Issuing", "P-256", undefined, true)],
    [
      "p256-explicit-parameters",
      "Curve parameters instead of a name.",
      () =>
        bareKey(
          sequence(
            sequence(oid("1.2.840.10045.2.1"), sequence(integer(1))),
            bitString(concat(bytes(4), new Uint8Array(64).fill(5))),
          ),
        ),
    ],
    [
      "rsa-exponent-1",
      "An exponent of one.",
      () =>
        bareKey(
          sequence(
            sequence(oid("1.2.840.113549.1.1.1"), nullValue),
            bitString(sequence(integer(2n ** 2047n + 1n), integer(1))),
          ),
        ),
    ],
    [
      "unknown-key",
      "An unknown key algorithm.",
      () => bareKey(sequence(sequence(oid("1.3.6.1.4.1.32473.3")), bitString(bytes(1, 2, 3)))),
    ],
  ];
  for (const [id, description, key] of weak) {
    add(`weak-key::ca-${id}`, "FAILURE", `${description} (key of the issuing CA)`, () => issuedByKey(key()));
    add(`weak-key::leaf-${id}`, "FAILURE", `${description} (key of the leaf)`, () =>
      withLeaf((issuing) => leaf(issuing, {}, { key: key() })),
    );
  }
  add(
    "weak-key::unrelated-anchor",
    "SUCCESS",
    "An anchor that cannot be used does not matter when another leads.",
    () => {
      const root = authority("Root");
      const broken = authority("Root", undefined, {
        key: bareKey(sequence(ed25519, bitString(hex("00".repeat(32))))),
        extensions: { basic: basicConstraints(true) },
      });
      return { leaf: leaf(root), anchors: [broken.der, root.der] };
    },
  );
}
