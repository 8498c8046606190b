import { createHash } from "node:crypto";
import type { LogNodeKey } from "@mls-as/keytrans/prover";
import { RowStreams, vrfProofsOf } from "../fsck/streams.js";
import type { LogStore } from "../storage/store.js";
import { ArchiveError } from "./archive-error.js";
import { type ArchivedVersion, type ArchiveRecord, framed, MAGIC } from "./format.js";

const PAGE = 1000;

/**
 * The whole log as it is at the call, in pieces; the log goes on meanwhile. Openings that were erased are not in it.
 * `store` is used by nobody else. @throws ArchiveError entries-pruned
 */
export async function* writeArchive(
  store: LogStore,
  onProgress?: (position: number, treeSize: number) => void,
): AsyncGenerator<Uint8Array> {
  await store.freeze();
  const pruning = await store.pruning();
  if (pruning !== undefined && pruning.entries > 0)
    throw new ArchiveError(
      "entries-pruned",
      "Expired log entries were pruned: an archive could not be verified. Back up the database instead.",
    );
  const head = await store.head();
  if (head === undefined) throw new ArchiveError("inconsistent", "The log has no entry.");
  const hash = createHash("sha256");
  const add = (piece: Uint8Array): Uint8Array => {
    hash.update(piece);
    return piece;
  };
  const record = (body: ArchiveRecord): Uint8Array => add(framed(body));
  yield add(MAGIC);
  for (const { key, value } of await store.settings())
    yield record({ type: "setting", key: new TextEncoder().encode(key), value });
  const { entries, versions } = new RowStreams(store);
  for (let position = 0; position < head.treeSize; position++) {
    const entry = await entries.take();
    if (entry?.position !== position) throw new ArchiveError("inconsistent", `Entry ${position} is missing; run fsck.`);
    const inserted: ArchivedVersion[] = [];
    for (let row = await versions.peek(); row?.position === position; row = await versions.peek()) {
      const { label, version, output, commitment, opening } = row;
      inserted.push({ label, version, output, commitment, opening: opening && { suffix: undefined, ...opening } });
      await versions.take();
    }
    yield record({ type: "entry", position, timestamp: entry.timestamp, versions: inserted });
    onProgress?.(position + 1, head.treeSize);
  }
  for await (const { label, version, output, proof } of vrfProofsOf(store))
    if (proof !== undefined) yield record({ type: "vrfProof", label, version, output, proof });
  let after: LogNodeKey | undefined;
  for (let rows = await store.witnessNodesFrom(after, PAGE); rows.length > 0; ) {
    for (const { level, index, hash: value } of rows) yield record({ type: "witnessNode", level, index, hash: value });
    after = rows.at(-1);
    rows = await store.witnessNodesFrom(after, PAGE);
  }
  const { treeSize, timestamp, root, signature, auditorTreeHead } = head;
  const checksum = new Uint8Array(hash.digest());
  yield framed({ type: "end", treeSize, timestamp, root, signature, auditorTreeHead, checksum });
}
