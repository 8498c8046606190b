import { type Infer, opaque, optional, struct, uint32, uint64Number, vector } from "@mls-as/tls-codec";

export const Label = opaque(0, 2 ** 8 - 1);
const last = optional(uint64Number);

export const SearchRequest = struct({ last, label: Label, version: optional(uint32) });
export type SearchRequest = Infer<typeof SearchRequest>;

export const MonitorMapEntry = struct({ position: uint64Number, version: uint32 });
export type MonitorMapEntry = Infer<typeof MonitorMapEntry>;

export const ContactMonitorRequest = struct({ last, label: Label, entries: vector(MonitorMapEntry, 0, 2 ** 8 - 1) });
export type ContactMonitorRequest = Infer<typeof ContactMonitorRequest>;

export const OwnerInitRequest = struct({ last, label: Label, start: uint64Number });
export type OwnerInitRequest = Infer<typeof OwnerInitRequest>;

export const OwnerMonitorRequest = struct({
  last,
  label: Label,
  entries: vector(MonitorMapEntry, 0, 2 ** 8 - 1),
  start: uint64Number,
  greatestVersion: optional(uint32),
});
export type OwnerMonitorRequest = Infer<typeof OwnerMonitorRequest>;

export const LabelValue = struct({ value: opaque(0, 2 ** 32 - 1) });
export type LabelValue = Infer<typeof LabelValue>;

export const UpdateRequest = struct({
  last,
  label: Label,
  greatestVersion: optional(uint32),
  values: vector(LabelValue, 0, 2 ** 8 - 1),
});
export type UpdateRequest = Infer<typeof UpdateRequest>;

export const DistinguishedRequest = struct({ last, stop: optional(uint64Number) });
export type DistinguishedRequest = Infer<typeof DistinguishedRequest>;
