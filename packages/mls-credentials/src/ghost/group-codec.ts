import { type Codec, enumeration, mapped, optional, struct, uint8 } from "@mls-as/tls-codec";
import type { SightedCredential, SightedLeaf } from "./ghost-event.js";
import { GroupMemory, type Sighting } from "./group-memory.js";
import { flag, listOf, mapOf, real, record, setOf, text } from "./state-fields.js";

const Type = enumeration(uint8, { x509: 1, basic: 2, other: 3 });
const Source = enumeration(uint8, { key_package: 1, update: 2, commit: 3 });
const credentialFields = {
  reference: text,
  type: Type,
  user: text,
  client: text,
  spkiHash: text,
  tbsCertificateHash: text,
  keyMatches: flag,
  notBefore: real,
  notAfter: real,
  certificates: optional(listOf(text)),
  signatureKey: optional(text),
};
const CredentialCodec: Codec<SightedCredential> = record(credentialFields);
const LeafCodec: Codec<SightedLeaf> = record({
  ...credentialFields,
  leafIndex: real,
  source: Source,
  encryptionKey: optional(text),
});

export const SightingCodec: Codec<Sighting> = struct({ credential: CredentialCodec, firstSeen: real, present: flag });

const Succession = struct({ at: real, before: LeafCodec, after: LeafCodec });

const GroupFields = struct({
  group: text,
  epoch: real,
  syncedAt: real,
  at: real,
  leaves: mapOf(real, LeafCodec),
  sightings: mapOf(text, mapOf(text, SightingCodec)),
  successions: mapOf(text, listOf(Succession)),
  clientSince: mapOf(text, real),
  placeSince: mapOf(real, real),
  leafSince: mapOf(real, real),
  severalSince: mapOf(text, real),
  clientLeft: mapOf(text, real),
  userSince: mapOf(text, real),
  x509Users: setOf(text),
});

export const GroupCodec: Codec<GroupMemory> = mapped(
  GroupFields,
  (fields) => {
    const group = new GroupMemory(fields.group);
    group.epoch = fields.epoch;
    group.syncedAt = fields.syncedAt;
    group.at = fields.at;
    for (const [index, leaf] of fields.leaves) {
      group.leaves.set(index, leaf);
      const known = group.byUser.get(leaf.reference);
      if (known === undefined) group.byUser.set(leaf.reference, new Set([index]));
      else known.add(index);
    }
    for (const [user, sightings] of fields.sightings) group.sightings.set(user, new Map(sightings));
    for (const [user, successions] of fields.successions) group.successions.set(user, [...successions]);
    copy(fields.clientSince, group.clientSince);
    copy(fields.placeSince, group.placeSince);
    copy(fields.leafSince, group.leafSince);
    copy(fields.severalSince, group.severalSince);
    copy(fields.clientLeft, group.clientLeft);
    copy(fields.userSince, group.userSince);
    for (const user of fields.x509Users) group.x509Users.add(user);
    return group;
  },
  (group) => group,
);

function copy<K, V>(from: ReadonlyMap<K, V>, to: Map<K, V>): void {
  for (const [key, value] of from) to.set(key, value);
}
