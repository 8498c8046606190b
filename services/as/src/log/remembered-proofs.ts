import type { SignaturePublicKey, Suite, VrfPublicKey } from "@mls-as/keytrans";
import { equalBytes } from "@mls-as/tls-codec";

/** Proofs that are remembered at most; each takes about 300 octets. */
const MOST = 50_000;

interface Remembered {
  readonly proof: Uint8Array;
  readonly output: Uint8Array;
}

/** Signatures that are remembered at most: one for each log entry of late. */
const MOST_SIGNATURES = 256;

/**
 * A suite that verifies the same VRF proof once, and the same signature of a tree head. An issuance meets the proof of a
 * label's version up to three times (on taking up the label, in the answer to the update, in the search that goes into the
 * answer), and verifying one costs more than everything else about it. One tree head is shown to all whose updates are in
 * the same log entry. Only what verified is remembered, and only for the same bytes.
 */
export function rememberingSuite(suite: Suite): Suite {
  const importVrfPublicKey = (bytes: Uint8Array): VrfPublicKey => remembering(suite.importVrfPublicKey(bytes));
  const importSignatureKey = (bytes: Uint8Array): SignaturePublicKey =>
    rememberingSignatures(suite.importSignatureKey(bytes));
  return Object.assign(Object.create(suite) as Suite, { importVrfPublicKey, importSignatureKey });
}

/** Only good signatures are remembered, by the whole message and signature. */
function rememberingSignatures(key: SignaturePublicKey): SignaturePublicKey {
  const good = new Set<string>();
  return {
    bytes: key.bytes,
    async verify(message, signature) {
      const name = `${message.length}:${Buffer.concat([message, signature]).toString("latin1")}`;
      if (good.has(name)) return true;
      const verified = await key.verify(message, signature);
      if (!verified) return false;
      if (good.size >= MOST_SIGNATURES) good.delete(good.values().next().value ?? "");
      good.add(name);
      return true;
    },
  };
}

function remembering(key: VrfPublicKey): VrfPublicKey {
  const known = new Map<string, Remembered>();
  return {
    bytes: key.bytes,
    verify(input, proof) {
      const name = Buffer.from(input).toString("latin1");
      const before = known.get(name);
      if (before !== undefined && equalBytes(before.proof, proof)) return before.output.slice();
      const output = key.verify(input, proof);
      if (known.size >= MOST) known.delete(known.keys().next().value ?? "");
      known.set(name, { proof: proof.slice(), output: output.slice() });
      return output;
    },
  };
}
