import {
  cipherSuite,
  GroupContext,
  nobleProvider,
  refHash,
  signaturePublicKey,
  signWithLabel,
  verifyWithLabel,
  webCryptoProvider,
} from "@mls-as/mls-core";
import { nodeProvider } from "@mls-as/mls-core/node";
import { Reader, readVarint, Writer, writeVarint } from "@mls-as/tls-codec";
import { Case, type CaseKind } from "./mls-case.js";

const PROVIDERS = { noble: nobleProvider, node: nodeProvider, "Web Crypto": webCryptoProvider } as const;

/** `deserialization`: the header of a variable-size vector, both ways. */
export const deserialization: CaseKind = {
  fields: ["vlbytes_header", "length"],
  async check(vector) {
    const header = vector.bytes("vlbytes_header");
    const reader = new Reader(header);
    const length = readVarint(reader);
    reader.finish();
    vector.equal("length", length, vector.integer("length"));
    const writer = new Writer();
    writeVarint(writer, length);
    vector.equalBytes("header", writer.finish(), header);
  },
};

/** `crypto-basics`: RefHash and SignWithLabel, by every provider. Derivation and HPKE are no part of this project. */
export const cryptoBasics: CaseKind = {
  fields: [
    "cipher_suite",
    "ref_hash",
    "sign_with_label",
    "expand_with_label",
    "derive_secret",
    "derive_tree_secret",
    "encrypt_with_label",
  ],
  async check(vector) {
    const suite = vector.integer("cipher_suite");
    const { signatureScheme } = cipherSuite(suite);
    const reference = vector.object("ref_hash", ["label", "out", "value"]);
    const signing = vector.object("sign_with_label", ["content", "label", "priv", "pub", "signature"]);
    const text = (part: Case, field: string): string => stringOf(part, field);
    const [pub, content] = [signing.bytes("pub"), signing.bytes("content")];
    vector.equalBytes("public key", signaturePublicKey(signatureScheme, signing.bytes("priv")), pub);
    for (const [name, provider] of Object.entries(PROVIDERS)) {
      const value = reference.bytes("value");
      vector.equalBytes(
        `ref_hash (${name})`,
        refHash(provider, suite, text(reference, "label"), value),
        reference.bytes("out"),
      );
      const label = text(signing, "label");
      const verify = (signature: Uint8Array): boolean | Promise<boolean> =>
        verifyWithLabel(provider, signatureScheme, pub, label, content, signature);
      await vector.holds(`signature (${name})`, verify(signing.bytes("signature")));
      const own = await signWithLabel(provider, signatureScheme, signing.bytes("priv"), label, content);
      await vector.holds(`signature of our own (${name})`, verify(own));
    }
  },
};

function stringOf(part: Case, field: string): string {
  const value = part.value(field);
  if (typeof value !== "string") throw new Error(`${field} is not a string`);
  return value;
}

const EPOCH = [
  "commit_secret",
  "confirmation_key",
  "confirmed_transcript_hash",
  "encryption_secret",
  "epoch_authenticator",
  "exporter",
  "exporter_secret",
  "external_pub",
  "external_secret",
  "group_context",
  "init_secret",
  "joiner_secret",
  "membership_key",
  "psk_secret",
  "resumption_psk",
  "sender_data_secret",
  "tree_hash",
  "welcome_secret",
];

/** `key-schedule`: the GroupContext of each epoch, built from the fields and compared as bytes. */
export const keySchedule: CaseKind = {
  fields: ["cipher_suite", "group_id", "initial_init_secret", "epochs"],
  async check(vector) {
    for (const [epoch, fields] of vector.list("epochs").entries()) {
      const part = new Case(fields, EPOCH);
      const context = vector.decodedBytes(`epochs[${epoch}].group_context`, GroupContext, part.bytes("group_context"));
      vector.equal("version", context.version, 1);
      vector.equal("cipher_suite", context.cipherSuite, vector.integer("cipher_suite"));
      vector.equal("epoch", context.epoch, BigInt(epoch));
      vector.equalBytes("group_id", context.groupId, vector.bytes("group_id"));
      vector.equalBytes("tree_hash", context.treeHash, part.bytes("tree_hash"));
      const transcript = part.bytes("confirmed_transcript_hash");
      vector.equalBytes("confirmed_transcript_hash", context.confirmedTranscriptHash, transcript);
      vector.equal("extensions", context.extensions.length, 0);
    }
  },
};
