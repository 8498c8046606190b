import {
  ascending,
  type Codec,
  encode,
  enumeration,
  opaqueV,
  sequence,
  struct,
  tagged,
  uint16,
  uint8,
  vectorV,
} from "@mls-as/tls-codec";

/** draft-ietf-mls-extensions, "Associating Application Data with Group State": content of one component. */
export interface ComponentData {
  readonly componentId: number;
  readonly data: Uint8Array;
}
const ComponentData: Codec<ComponentData> = struct({ componentId: uint16, data: opaqueV() });

/** Content of an `app_data_dictionary` extension: ascending by component, at most one entry each. */
export interface AppDataDictionary {
  readonly componentData: readonly ComponentData[];
}
export const AppDataDictionary: Codec<AppDataDictionary> = struct({
  componentData: ascending(vectorV(ComponentData), (a, b) => a.componentId - b.componentId),
});

/** What a dictionary holds for a component; undefined when nothing. */
export function componentDataOf({ componentData }: AppDataDictionary, componentId: number): Uint8Array | undefined {
  return componentData.find((entry) => entry.componentId === componentId)?.data;
}

/** draft-ietf-mls-extensions, "Updating Application Data in the GroupContext". */
export type AppDataUpdate = { readonly componentId: number } & (
  | { readonly op: "update"; readonly update: Uint8Array }
  | { readonly op: "remove" }
);
export const AppDataUpdate: Codec<AppDataUpdate> = sequence(
  struct({ componentId: uint16 }),
  tagged("op", enumeration(uint8, { update: 1, remove: 2 }), {
    update: struct({ update: opaqueV() }),
    remove: struct({}),
  }),
);

/** draft-ietf-mls-extensions, "Attaching Application Data to MLS Messages". */
export type AppEphemeral = ComponentData;
export const AppEphemeral: Codec<AppEphemeral> = struct({ componentId: uint16, data: opaqueV() });

const ComponentOperationLabel = struct({ baseLabel: opaqueV(), componentId: uint16, label: opaqueV() });

/** Encoded ComponentOperationLabel: the label that `SafeSignWithLabel` hands to `signWithLabel`. */
export function componentOperationLabel(componentId: number, label: string): Uint8Array {
  const text = new TextEncoder();
  const baseLabel = text.encode("MLS Component");
  return encode(ComponentOperationLabel, { baseLabel, componentId, label: text.encode(label) });
}
