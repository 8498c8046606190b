import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encryptionKeyFault } from "./encryption-key-check.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const SMALL_ORDER = [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
];

describe("HPKE public keys", () => {
  it.each(SMALL_ORDER)("X25519 %s shares no secret, and is refused", (u) => {
    expect(encryptionKeyFault("X25519", hex(u))).toBe("small-order-key");
    const topBitSet = hex(u).map((byte, i) => (i === 31 ? byte | 0x80 : byte));
    expect(encryptionKeyFault("X25519", topBitSet)).toBe("small-order-key");
    const privateKey = createPrivateKey(
      generateKeyPairSync("x25519").privateKey.export({ type: "pkcs8", format: "pem" }),
    );
    const publicKey = createPublicKey({
      format: "jwk",
      key: { kty: "OKP", crv: "X25519", x: Buffer.from(u, "hex").toString("base64url") },
    });
    expect(() => diffieHellman({ privateKey, publicKey })).toThrow();
  });

  it("lengths and forms are exact", () => {
    expect(encryptionKeyFault("X25519", new Uint8Array(31).fill(9))).toBe("key-length");
    expect(encryptionKeyFault("X448", new Uint8Array(57).fill(9))).toBe("key-length");
    expect(encryptionKeyFault("X448", new Uint8Array(56))).toBe("small-order-key");
    expect(encryptionKeyFault("P-256", hex(`03${"11".repeat(32)}`))).toBe("compressed-key");
    expect(encryptionKeyFault("P-521", hex(`04${"00".repeat(132)}`))).toBe("off-curve-key");
  });

  it.each(["x25519", "x448"] as const)("an honest %s key passes", (type) => {
    const { publicKey } = type === "x25519" ? generateKeyPairSync("x25519") : generateKeyPairSync("x448");
    const x = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    expect(encryptionKeyFault(type === "x25519" ? "X25519" : "X448", Uint8Array.from(x))).toBeUndefined();
  });
});
