import { createHash } from "node:crypto";
import { CodecError, decode, equalBytes } from "@mls-as/tls-codec";
import { ArchiveError } from "./archive-error.js";
import { ArchiveRecord, MAGIC } from "./format.js";

/** A record may hold an entry of 255 values; one that claims more is damaged. */
const MAX_RECORD = 2 ** 31;

const malformed = (what: string, cause?: unknown): ArchiveError =>
  new ArchiveError("malformed", `The archive ${what}.`, { cause });

/** The records of an archive, the last of them its `end`, whose checksum was compared. @throws ArchiveError malformed */
export async function* readArchive(source: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveRecord> {
  const hash = createHash("sha256");
  const input = new Buffered(source);
  if (!equalBytes(await input.take(MAGIC.length), MAGIC))
    throw malformed("is not one of kt-log in a version known here");
  hash.update(MAGIC);
  for (;;) {
    const prefix = await input.take(4);
    const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(0);
    if (length > MAX_RECORD) throw malformed("has a record of impossible length");
    const body = await input.take(length);
    let record: ArchiveRecord;
    try {
      record = decode(ArchiveRecord, body);
    } catch (error) {
      if (error instanceof CodecError) throw malformed("has a damaged record", error);
      throw error;
    }
    if (record.type !== "end") {
      hash.update(prefix).update(body);
      yield record;
      continue;
    }
    if (!equalBytes(record.checksum, new Uint8Array(hash.digest())))
      throw malformed("is damaged: its checksum is another");
    if (!(await input.ended())) throw malformed("goes on after its end");
    yield record;
    return;
  }
}

class Buffered {
  readonly #source: AsyncIterator<Uint8Array>;
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Uint8Array> {
    while (this.#length < count) {
      const { done, value } = await this.#source.next();
      if (done === true) throw malformed("is cut short");
      this.#pieces.push(value);
      this.#length += value.length;
    }
    const joined = Buffer.concat(this.#pieces);
    this.#pieces = [joined.subarray(count)];
    this.#length = joined.length - count;
    return new Uint8Array(joined.subarray(0, count));
  }

  async ended(): Promise<boolean> {
    return this.#length === 0 && (await this.#source.next()).done === true;
  }
}
