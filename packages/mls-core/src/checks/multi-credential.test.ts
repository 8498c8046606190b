import { encode } from "@mls-as/tls-codec";
import { expect, it } from "vitest";
import { nodeProvider } from "../crypto/node-provider.js";
import { signaturePublicKey } from "../crypto/noble-provider.js";
import { SignatureScheme } from "../crypto/signature-scheme.js";
import { SignatureLabel, signWithLabel } from "../sign-with-label.js";
import { type CredentialBinding, CredentialBindingTBS } from "../types/credential.js";
import { type LeafNode, leafNodeTbs } from "../types/leaf-node.js";
import { checkLeafNode } from "./leaf-node-check.js";

const { ed25519, ecdsa_secp256r1_sha256: p256 } = SignatureScheme;
const leafSecret = new Uint8Array(32).fill(1);
const boundSecret = new Uint8Array(32).fill(2);
const signatureKey = signaturePublicKey(ed25519, leafSecret);

/** A binding of suite 2 to `signatureKey`, as draft-ietf-mls-extensions, "Credential Bindings", signs it. */
async function binding(boundTo: Uint8Array): Promise<CredentialBinding> {
  const credential = { credentialType: "basic", identity: new Uint8Array([1]) } as const;
  const fields = { cipherSuite: 2, credential, credentialKey: signaturePublicKey(p256, boundSecret) };
  const content = encode(CredentialBindingTBS, { ...fields, signatureKey: boundTo });
  const label = SignatureLabel.credentialBinding;
  return { ...fields, signature: await signWithLabel(nodeProvider, p256, boundSecret, label, content) };
}

async function codes(type: "multi" | "weakMulti", bindings: readonly CredentialBinding[]): Promise<string[]> {
  const unsigned: LeafNode = {
    encryptionKey: new Uint8Array(32).fill(9),
    signatureKey,
    credential: { credentialType: type, bindings },
    capabilities: { versions: [1], cipherSuites: [1, 2], extensions: [], proposals: [], credentials: [1, 3, 4] },
    leafNodeSource: "keyPackage",
    lifetime: { notBefore: 0n, notAfter: 100n },
    extensions: [],
    signature: new Uint8Array(),
  };
  const signature = await signWithLabel(nodeProvider, ed25519, leafSecret, "LeafNodeTBS", leafNodeTbs(unsigned));
  return (await checkLeafNode(nodeProvider, 1, { ...unsigned, signature })).map(({ code }) => code);
}

it("a multi-credential holds when every binding is signed for the leaf's key", async () => {
  const good = await binding(signatureKey);
  expect(await codes("multi", [good])).toEqual([]);
  expect(await codes("weakMulti", [good])).toEqual([]);
  expect(await codes("multi", [])).toEqual(["empty-credential"]);
  const stolen = await binding(signaturePublicKey(ed25519, boundSecret));
  expect(await codes("multi", [good, stolen])).toEqual(["invalid-credential-binding"]);
  expect(await codes("weakMulti", [stolen])).toEqual(["invalid-credential-binding"]);
});

it("a binding of an unknown suite is passed over only in a weak multi-credential", async () => {
  const [good, foreign] = [await binding(signatureKey), { ...(await binding(signatureKey)), cipherSuite: 0x0a0a }];
  expect(await codes("multi", [good, foreign])).toEqual(["unsupported-cipher-suite"]);
  expect(await codes("weakMulti", [good, foreign])).toEqual([]);
});
