import { KeytransError } from "@mls-as/keytrans";
import {
  cosignedAt,
  formatAddCheckpoint,
  originHash,
  parseSignedNote,
  signatureLine,
  type VerifierKey,
} from "@mls-as/keytrans/witness";

/** A witness that this log asks. */
export interface WitnessAddress {
  /** Its name in the policy file. */
  readonly name: string;
  readonly key: VerifierKey;
  /** Submission prefix, without a slash at the end. */
  readonly url: string;
}

/** What a witness' answer came to. */
export type Submission =
  | { readonly kind: "cosigned"; readonly line: string; readonly time: number }
  /** It last cosigned another size than the one named. */
  | { readonly kind: "other-size"; readonly size: number }
  /** `reason` is one of a closed set, for metrics. */
  | { readonly kind: "failed"; readonly reason: SubmissionFailure; readonly detail: string };

export const SUBMISSION_FAILURES = ["unreachable", "refused", "inconsistent", "bad-answer"] as const;
export type SubmissionFailure = (typeof SUBMISSION_FAILURES)[number];

/** Answers are a few signature lines. */
const MOST_ANSWER_BYTES = 65_536;

async function textOf(response: Response): Promise<string> {
  const declared = Number(response.headers.get("content-length") ?? 0);
  if (declared > MOST_ANSWER_BYTES) throw new RangeError("too long an answer");
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MOST_ANSWER_BYTES) throw new RangeError("too long an answer");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Submits a checkpoint. Never throws: a witness may do what it likes. C2SP tlog-witness, "add-checkpoint". */
export async function submitCheckpoint(
  witness: WitnessAddress,
  request: Parameters<typeof formatAddCheckpoint>[0],
  timeout: number,
): Promise<Submission> {
  const failed = (reason: SubmissionFailure, detail: string): Submission => ({ kind: "failed", reason, detail });
  let status: number;
  let type: string;
  let text: string;
  try {
    const response = await fetch(`${witness.url}/add-checkpoint`, {
      method: "POST",
      body: formatAddCheckpoint(request),
      headers: { "content-type": "text/plain; charset=utf-8" },
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
    status = response.status;
    type = response.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
    text = await textOf(response);
  } catch (error) {
    return failed("unreachable", error instanceof Error ? error.message : String(error));
  }
  if (status === 409) {
    const size = type === "text/x.tlog.size" && /^(0|[1-9]\d{0,15})\n$/.test(text) ? Number(text) : Number.NaN;
    return Number.isSafeInteger(size) ? { kind: "other-size", size } : failed("bad-answer", "409 without a size");
  }
  if (status === 422) return failed("inconsistent", "the witness says that this tree does not continue its last one");
  if (status !== 200) return failed("refused", `status ${status}`);
  try {
    const [body = ""] = request.checkpoint.split("\n\n");
    const note = parseSignedNote(`${body}\n\n${text}`);
    const own = note.signatures.filter(
      ({ name, keyId }) => name === witness.key.name && Buffer.compare(keyId, witness.key.keyId) === 0,
    );
    for (const signature of own) {
      const time = await cosignedAt({ text: note.text, signatures: [signature] }, witness.key);
      if (time !== undefined) return { kind: "cosigned", line: signatureLine(witness.key, signature.signature), time };
    }
    return failed("bad-answer", "no valid cosignature of the witness' key");
  } catch (error) {
    if (error instanceof KeytransError) return failed("bad-answer", error.message);
    throw error;
  }
}

/** The signed note that a witness cosigned last for a log; undefined when it gives none. */
export async function fetchWitnessed(
  { url }: WitnessAddress,
  origin: string,
  timeout: number,
): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/${originHash(origin)}/checkpoint`, {
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
    return response.status === 200 ? await textOf(response) : undefined;
  } catch {
    return undefined;
  }
}
