import { describe, expect, it } from "vitest";
import { encodingOf, readElement } from "./der.js";
import { RepeatedReading } from "./repeated-reading.js";

const octetString = (content: number, length = 4): Uint8Array =>
  Uint8Array.of(0x04, length, ...Array.from({ length }, () => content));

describe("repeated reading", () => {
  it("reads equal bytes once, and other bytes in the same place again", () => {
    const reading = new RepeatedReading<{ readonly content: Uint8Array }>();
    const read = (bytes: Uint8Array) =>
      reading.read(readElement(bytes), (element) => ({ content: encodingOf(element) }));
    const first = read(octetString(1));
    expect(read(octetString(1))).toBe(first);
    for (let content = 0; content < 256; content++)
      for (const length of [0, 1, 2, 3, 9])
        expect(read(octetString(content, length)).content).toEqual(octetString(content, length));
  });

  it("keeps no window on the caller's bytes", () => {
    const reading = new RepeatedReading<Uint8Array>();
    const bytes = octetString(7);
    reading.read(readElement(bytes), encodingOf);
    bytes.fill(9, 2);
    expect(reading.read(readElement(octetString(7)), encodingOf)).toEqual(octetString(7));
    expect(reading.read(readElement(bytes), encodingOf)).toEqual(octetString(9));
  });

  it("keeps nothing that is refused, unwanted or long", () => {
    const reading = new RepeatedReading<number>();
    let count = 0;
    const refuse = (): never => {
      throw new Error("refused");
    };
    const element = readElement(octetString(1));
    expect(() => reading.read(element, refuse)).toThrow("refused");
    expect(
      reading.read(
        element,
        () => ++count,
        () => false,
      ),
    ).toBe(1);
    expect(
      reading.read(
        element,
        () => ++count,
        () => false,
      ),
    ).toBe(2);
    const long = readElement(Uint8Array.of(0x04, 0x82, 0x02, 0x00, ...new Uint8Array(512)));
    expect([reading.read(long, () => ++count), reading.read(long, () => ++count)]).toEqual([3, 4]);
  });
});
