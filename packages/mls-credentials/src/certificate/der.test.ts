import { describe, expect, it } from "vitest";
import { CertificateError } from "./certificate-error.js";
import { childrenOf, readElement } from "./der.js";
import { integerOctets, readBoolean, readNamedBits, readOid, readTime } from "./der-values.js";

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));
const element = (hex: string) => readElement(bytes(hex));

describe("X.690, Distinguished Encoding Rules", () => {
  it.each([
    ["no bytes", ""],
    ["a header alone", "30"],
    ["content missing", "3001"],
    ["bytes after", "300000"],
    ["long form for a short length", "30810100"],
    ["a leading zero in the length", "3082007f"],
    ["indefinite length", "30800000"],
    ["five octets of length", "30850000000001"],
    ["reserved length octet", "30ff"],
    ["a tag number above 30", "1f8100"],
    ["end-of-contents", "0000"],
  ])("refuses %s", (_, hex) => {
    expect(() => element(hex)).toThrow(CertificateError);
  });

  it("keeps children inside their parent", () => {
    expect(() => childrenOf(element("30030402ff"))).toThrow(CertificateError);
    expect(childrenOf(element("3006020101020102"))).toHaveLength(2);
  });

  it.each([
    ["0101ff", true],
    ["010100", false],
  ])("reads BOOLEAN %s", (hex, value) => expect(readBoolean(element(hex))).toBe(value));
  it.each(["010101", "0100", "0102ffff"])("refuses BOOLEAN %s", (hex) =>
    expect(() => readBoolean(element(hex))).toThrow(),
  );
  it.each(["0200", "02020001", "0202ff80"])("refuses INTEGER %s", (hex) =>
    expect(() => integerOctets(element(hex))).toThrow(),
  );
  it.each([
    ["0603550403", "2.5.4.3"],
    ["06022a03", "1.2.3"],
    ["06012a", "1.2"],
    ["060127", "0.39"],
    ["06028837", "2.999"],
    ["060c6984e88ed5dbb9c79ab0b300", undefined],
  ])("reads OBJECT IDENTIFIER %s", (hex, dotted) => {
    if (dotted === undefined) expect(() => readOid(element(hex))).not.toThrow();
    else expect(readOid(element(hex))).toBe(dotted);
  });
  it("keeps arcs of 128 bits exactly", () => {
    // 2.25.{UUID of all ones} (X.667)
    expect(readOid(element("0614 69 83ffffffffffffffffffffffffffffffffff 7f".replaceAll(" ", "")))).toBe(
      `2.25.${2n ** 128n - 1n}`,
    );
  });
  it.each(["0600", "060181", "0603550480", "0604558001"])("refuses OBJECT IDENTIFIER %s", (hex) =>
    expect(() => readOid(element(hex))).toThrow(CertificateError),
  );
  it.each(["030100", "0300", "03020081", "03020880", "03020181", "030300800000"])(
    "refuses or empties named bits %s",
    (hex) => {
      if (hex === "030100") expect(readNamedBits(element(hex)).size).toBe(0);
      else if (hex === "03020081") expect([...readNamedBits(element(hex))]).toEqual([0, 7]);
      else expect(() => readNamedBits(element(hex))).toThrow(CertificateError);
    },
  );
  it("reads both forms of Time, with the century of RFC 5280", () => {
    const time = (tag: number, text: string) =>
      readTime(readElement(Uint8Array.from([tag, text.length, ...Buffer.from(text)])));
    expect(time(0x17, "500101000000Z")).toBe(Date.UTC(1950, 0) / 1000);
    expect(time(0x17, "491231235959Z")).toBe(Date.UTC(2049, 11, 31, 23, 59, 59) / 1000);
    expect(time(0x18, "00010101000000Z")).toBeLessThan(-(10 ** 10));
    expect(time(0x18, "20240229000000Z")).toBe(Date.UTC(2024, 1, 29) / 1000);
    for (const text of [
      "20230229000000Z",
      "20240101240000Z",
      "20240101006000Z",
      "20240101000060Z",
      "20240101000000.0Z",
      "2024010100Z",
    ])
      expect(() => time(0x18, text)).toThrow(CertificateError);
  });
});
