import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDevelopmentCa } from "@mls-as/as";
import { type SigningKey, SoftwareSigner } from "@mls-as/signers";
import { certificateSigningRequest, subjectKeyPair } from "../services/as/fixtures/certificate-signing-request.js";
import { KeytransLog } from "../services/as/src/log/keytrans-log.js";
import { httpLogTransport } from "../services/as/src/log/transport.js";
import { OcspAnswers } from "../services/as/src/revocation/ocsp-answers.js";
import { RevocationLists } from "../services/as/src/revocation/revocation-lists.js";
import { Sealing } from "../services/as/src/storage/sealing.js";
import { SqliteStore } from "../services/as/src/storage/sqlite.js";
import type { NewIntent } from "../services/as/src/storage/store.js";
import { nameOfSubject } from "../services/as/src/x509/certificate-profile.js";
import { readCertificateRequest } from "../services/as/src/x509/csr.js";
import { members, objectIdentifier, octetString, sequenceOf, unsignedInteger } from "../services/as/src/x509/der.js";
import type { Measurement } from "./main.js";
import type { ServiceProcess } from "./service-process.js";

const DAY = 86_400;

/** Milliseconds of each run, ascending. */
async function timed(runs: number, work: (i: number) => unknown): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    await work(i);
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b);
}

const median = (ascending: readonly number[]): number => ascending[Math.floor(ascending.length / 2)] ?? 0;

/** The parts of which an issuance cannot be spared one, each alone, one after another; milliseconds. */
export async function issuanceParts(log: ServiceProcess, writerToken: string): Promise<Record<string, number>> {
  const csr = certificateSigningRequest({
    key: subjectKeyPair(),
    uris: ["mimi://mls.example/u/alice", "mimi://mls.example/d/alice/phone"],
    nonce: "x".repeat(75),
  });
  const transport = httpLogTransport({ url: log.url, writerToken, timeout: 30_000 });
  const client = await KeytransLog.connect(await transport.get("configuration"), transport);
  const updates = await timed(60, async (i) => {
    const label = `mimi://mls.example/u/part${i}-${randomBytes(4).toString("hex")}`;
    await client.append(label, await client.open(label), new Uint8Array(300));
    await client.prove(label);
  });
  return {
    csr: median(await timed(300, () => readCertificateRequest(csr, "csr"))),
    log: median(updates),
    signature: median(await timed(300, bareSignature(await softwareKey()))),
  };
}

const bareSignature = (key: SigningKey) => async (): Promise<void> => void (await key.sign(new Uint8Array(700)));

async function softwareKey(): Promise<SigningKey> {
  const folder = await mkdtemp(join(tmpdir(), "mls-as-bench-key-"));
  try {
    return await new SoftwareSigner(folder, "bench").generate("issuing", "Ed25519");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const REVOKED = 100_000;
const SHARDS = 4;

/** CRLs and OCSP answers over a store with 100,000 revoked credentials in four shards. */
export async function revocationStatus(asDir: string): Promise<readonly Measurement[]> {
  const { issuers } = await openDevelopmentCa(asDir);
  const [issuer] = issuers;
  if (issuer === undefined) throw new Error("no issuer");
  const now = Math.floor(Date.now() / 1000);
  const store = new SqliteStore(join(asDir, "bench.sqlite"), new Sealing(new Uint8Array(32)));
  const firstShard = Math.floor(now / (30 * DAY));
  const credentials: NewIntent["credentials"][number][] = Array.from({ length: REVOKED }, (_, i) => ({
    id: createHash("sha256").update(String(i)).digest("hex"),
    serial: (BigInt(i) + 2n ** 126n).toString(16),
    issuer: issuer.id,
    user: "mimi://mls.example/u/alice",
    client: "mimi://mls.example/d/alice/phone",
    spkiHash: `key ${i}`,
    notBefore: now,
    notAfter: now + 100 * DAY,
    shard: firstShard + (i % SHARDS),
    tbs: new Uint8Array(),
    provedAt: now,
  }));
  const audit = { actor: "bench", action: "bench" };
  try {
    await store.journal(
      {
        credentials,
        intent: {
          id: "bench",
          kind: "issue",
          label: "mimi://mls.example/u/alice",
          idempotencyKey: "bench",
          requestHash: "",
          origin: "enrolment",
          addition: undefined,
          version: 0,
          value: new Uint8Array(),
          createdAt: now,
        },
        view: { state: new Uint8Array(), latest: undefined },
        nonce: undefined,
        tokenHash: undefined,
        reliesOn: [],
      },
      now,
      audit,
    );
    const cause = { reason: 4, origin: "operatorRevocation", block: false } as const;
    await store.revoke(
      credentials.map(({ id }) => id),
      cause,
      now,
      audit,
    );
    const context = {
      store,
      issuers: () => issuers,
      publicUrl: () => "http://as.test",
      now: () => now,
      config: { certificateLifetime: 120 * DAY },
      ocspResponders: new Map([[issuer.id, { key: issuer.key, certificate: issuer.certificate }]]),
    };
    const rebuild = await timed(5, async () => {
      const lists = new RevocationLists(context);
      for (let shard = firstShard; shard < firstShard + SHARDS; shard++) await lists.list(issuer.id, shard);
    });
    const lists = new RevocationLists(context);
    await lists.list(issuer.id, firstShard);
    const served = await timed(300, () => lists.list(issuer.id, firstShard));
    const ocsp = new OcspAnswers(context);
    const asked = (i: number): Uint8Array => ocspRequest(issuer.certificate, credentials[i % 1000]?.serial ?? "");
    const fresh = await timed(1000, (i) => ocsp.answer(asked(i)));
    const kept = await timed(1000, (i) => ocsp.answer(asked(i)));
    const params = { revoked: REVOKED, shards: SHARDS, storage: "sqlite" };
    return [
      { name: "as/CRLs rebuilt", unit: "ms for all", value: median(rebuild), samples: 5, params },
      { name: "as/CRL served", unit: "lists/s", value: 1000 / median(served), samples: 300, params },
      { name: "as/OCSP signed", unit: "answers/s", value: 1000 / median(fresh), samples: 1000, params },
      { name: "as/OCSP kept", unit: "answers/s", value: 1000 / median(kept), samples: 1000, params },
    ];
  } finally {
    await store.close();
  }
}

function ocspRequest(issuer: Uint8Array, serial: string): Uint8Array {
  const sha256 = (data: Uint8Array): Uint8Array => octetString(createHash("sha256").update(data).digest());
  const spki = members(members(issuer)[0] as Uint8Array)[6] as Uint8Array;
  const id = sequenceOf(
    sequenceOf(objectIdentifier("2.16.840.1.101.3.4.2.1")),
    sha256(nameOfSubject(issuer)),
    sha256((members(spki)[1] as Uint8Array).slice(3)),
    unsignedInteger(Buffer.from(serial, "hex")),
  );
  return sequenceOf(sequenceOf(sequenceOf(sequenceOf(id))));
}
