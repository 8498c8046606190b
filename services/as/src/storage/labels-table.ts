import type { Sealing } from "./sealing.js";
import { one, run, type Work } from "./statement.js";
import type { LabelView } from "./store.js";

export function* readLabel(sealing: Sealing, label: string): Work<LabelView | undefined> {
  const reference = sealing.reference(label);
  const row = yield* one<{ state: Uint8Array; version: number | null; value: Uint8Array | null }>(
    "select state, version, value from labels where label_ref = ?",
    reference,
  );
  if (row === undefined) return undefined;
  const state = sealing.open("labels.state", reference, row.state);
  if (row.version === null || row.value === null) return { state, latest: undefined };
  return { state, latest: { version: row.version, value: sealing.open("labels.value", reference, row.value) } };
}

export function* saveLabel(sealing: Sealing, label: string, { state, latest }: LabelView): Work<void> {
  const reference = sealing.reference(label);
  yield* run(
    `insert into labels (label_ref, state, version, value) values (?, ?, ?, ?)
     on conflict (label_ref) do update set state = excluded.state, version = excluded.version, value = excluded.value`,
    reference,
    sealing.seal("labels.state", reference, state),
    latest?.version ?? null,
    latest === undefined ? null : sealing.seal("labels.value", reference, latest.value),
  );
}
