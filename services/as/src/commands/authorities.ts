import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDomainName } from "@mls-as/mls-credentials";
import type { KeyAlgorithm } from "@mls-as/signers";
import { Command, Option } from "commander";
import { ISSUING_ALGORITHMS, readCaIndex } from "../ca/ca-index.js";
import {
  importIssuing,
  makeRoots,
  prepareAuthority,
  removeIssuer,
  requestIssuing,
  rotateIssuing,
  signIssuingRequest,
} from "../ca/ceremony.js";
import { CeremonyError } from "../ca/ceremony-error.js";
import { createDevelopmentCa } from "../ca/development-ca.js";
import { fromPemOrDer, readIssuingRequest } from "../ca/issuing-request.js";
import { openKeyRing, tokenWithoutPin } from "../ca/key-ring.js";
import { openStore } from "../storage/open-store.js";
import type { AuditEvent } from "../storage/store.js";
import { pem } from "../x509/der.js";
import { CommandError } from "./failure.js";
import {
  dataOption,
  duration,
  examplesText,
  jsonOption,
  operatorCommand,
  type Target,
  withOperator,
} from "./options.js";
import { date, print } from "./output.js";

const now = (): number => Math.floor(Date.now() / 1000);
const caFolder = (data: string): string => join(data, "ca");

const algorithmOption = (): Option =>
  new Option("--algorithm <name>", "only this kind of key; default: both").choices([...ISSUING_ALGORITHMS]);
const keysOption = (): Option =>
  new Option("--keys <uri>", "pkcs11: URI of a token; keys are made there and never leave it").env("MLS_AS_KEYS");
const chosen = (algorithm: KeyAlgorithm | undefined): readonly KeyAlgorithm[] =>
  algorithm === undefined ? ISSUING_ALGORITHMS : [algorithm];

interface InitFlags {
  readonly data: string;
  readonly domain: string;
  readonly offlineRoot?: boolean;
  readonly keys?: string;
  readonly json?: boolean;
}

export function initCommand(): Command {
  return new Command("init")
    .description("make the certification authority of a data folder, without starting the service")
    .addOption(dataOption())
    .option("--domain <domain>", "identity domain", "mls.example")
    .option("--development", "a root key that lies beside the issuing keys (what this command makes by itself)")
    .option("--offline-root", "no root here: issuing keys and the requests that an offline root is to sign")
    .addOption(keysOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      examplesText(`
        mls-as init --domain chat.example
        mls-as init --domain chat.example --offline-root --keys 'pkcs11:token=mls-as?pin-source=file:/run/pin'
      `),
    )
    .action(runInit);
}

async function runInit({ data, domain, offlineRoot, keys, json }: InitFlags): Promise<void> {
  requireDomain(domain);
  const folder = caFolder(data);
  if ((await readCaIndex(folder)) !== undefined)
    throw new CeremonyError("authority-exists", `${folder} holds a CA already; nothing was changed`, { path: folder });
  const signer = await openKeyRing({ folder, keys });
  try {
    if (offlineRoot !== true) {
      await createDevelopmentCa(folder, signer, domain, now(), tokenWithoutPin(keys));
      print(json === true ? JSON.stringify({ data, domain }) : `A development CA for ${domain} is in ${folder}.`);
      return;
    }
    await prepareAuthority(folder, domain, tokenWithoutPin(keys));
    const requests = [];
    for (const algorithm of ISSUING_ALGORITHMS) requests.push(await requestIssuing(folder, signer, algorithm));
    if (json === true) return print(JSON.stringify({ data, domain, requests }));
    print(`Issuing keys for ${domain} are made; they wait for their certificates.\n\nRequests to carry to the root:`);
    for (const { path } of requests) print(`  ${path}`);
    print(`\nOn the offline machine:\n  mls-as ceremony sign REQUEST --data ROOT-FOLDER --out CERTIFICATE`);
    print(`Back here:\n  mls-as ceremony import CERTIFICATE --root ROOT-CERTIFICATE --data ${data}`);
  } finally {
    await signer.close();
  }
}

function requireDomain(domain: string): void {
  if (!isDomainName(domain))
    throw new CommandError(`${domain} is not a lower-case domain name of at least two labels`, {
      code: "domain-invalid",
      remedy: "Give one as --domain chat.example",
    });
}

interface CeremonyFlags {
  readonly data: string;
  readonly domain?: string;
  readonly algorithm?: KeyAlgorithm;
  readonly keys?: string;
  readonly json?: boolean;
}

export function ceremonyCommand(): Command {
  const ceremony = new Command("ceremony")
    .description("make an offline root, and certify issuing keys with it")
    .addHelpText(
      "after",
      `${examplesText(`
        mls-as ceremony root --data /media/root --domain chat.example     offline: make the root keys
        mls-as ceremony request --data ./data/as                          service: make a key, export its request
        mls-as ceremony sign issuing.csr --data /media/root --out issuing.cer --yes
        mls-as ceremony import issuing.cer --root root.cer --data ./data/as
      `)}

The root's folder never comes near the service: requests go to it and certificates come back, both public.
Any other root may sign the request too, as 'openssl x509 -req -copy_extensions copy'.`,
    );
  const step = (name: string, summary: string): Command =>
    ceremony.command(name).description(summary).addOption(dataOption()).addOption(jsonOption());
  step("root", "offline: make root keys and their certificates")
    .requiredOption("--domain <domain>", "identity domain")
    .addOption(algorithmOption())
    .addOption(keysOption())
    .action(runRoot);
  step("request", "service: make an issuing key, and export the request for its certificate")
    .addOption(algorithmOption())
    .action(runRequest);
  step("sign", "offline: certify the key of a request")
    .argument("<request>", "PEM or DER file")
    .requiredOption("--out <file>", "where the certificate goes (PEM)")
    .option("--yes", "sign without asking for --yes first")
    .action(runSign);
  step("import", "service: take over a certificate; from then on its key issues")
    .argument("<certificate>", "PEM or DER file")
    .option("--root <file>", "the root's certificate, when it is not known here yet")
    .action(runImport);
  return ceremony;
}

async function withKeys<T>(
  data: string,
  keys: string | undefined,
  work: (folder: string, signer: Awaited<ReturnType<typeof openKeyRing>>) => Promise<T>,
): Promise<T> {
  const folder = caFolder(data);
  const signer = await openKeyRing({ folder, keys });
  try {
    return await work(folder, signer);
  } finally {
    await signer.close();
  }
}

async function runRoot({ data, domain = "", algorithm, keys, json }: CeremonyFlags): Promise<void> {
  requireDomain(domain);
  const roots = await withKeys(data, keys, (folder, signer) =>
    makeRoots(folder, signer, domain, chosen(algorithm), now()),
  );
  const files = roots.map(({ id, algorithm: kind }) => ({
    id,
    algorithm: kind,
    path: join(caFolder(data), `${id}.cer`),
  }));
  if (json === true) return print(JSON.stringify({ domain, roots: files }));
  print(`Roots for ${domain}:`);
  for (const { algorithm: kind, path } of files) print(`  ${kind}  ${path}`);
  print("Keep this folder offline, with a copy elsewhere; its passphrase apart from it.");
}

async function runRequest({ data, algorithm, json }: CeremonyFlags): Promise<void> {
  const requests = await withKeys(data, undefined, async (folder, signer) => {
    const made = [];
    for (const kind of chosen(algorithm)) made.push(await requestIssuing(folder, signer, kind));
    return made;
  });
  await audited(
    data,
    requests.map(({ id, algorithm: kind }) => ({
      actor: "operator",
      action: "issuer-requested",
      detail: { issuer: id, algorithm: kind },
    })),
  );
  print(json === true ? JSON.stringify({ requests }) : requests.map(({ path }) => path).join("\n"));
}

async function runSign(
  request: string,
  { data, out, yes, json }: CeremonyFlags & { readonly out: string; readonly yes?: boolean },
): Promise<void> {
  const asked = readIssuingRequest(fromPemOrDer(await bytesOf(request), request, "request-invalid"), request);
  const index = await readCaIndex(caFolder(data));
  if (yes !== true) {
    print(`Request   ${request}\nKey       ${asked.id} (${asked.algorithm})\nDomain    ${index?.domain ?? "none"}`);
    print("Compare the key's id with what the service's operator reads out to you.");
    throw new CommandError("nothing was signed", { code: "not-confirmed", remedy: "Repeat the command with --yes." });
  }
  const certificate = await withKeys(data, undefined, (folder, signer) =>
    signIssuingRequest(folder, signer, asked, now()),
  );
  await writeFile(out, pem("CERTIFICATE", certificate));
  print(json === true ? JSON.stringify({ id: asked.id, path: out }) : `The certificate of ${asked.id} is in ${out}.`);
}

async function runImport(
  file: string,
  { data, root, json }: CeremonyFlags & { readonly root?: string },
): Promise<void> {
  const read = async (path: string): Promise<Uint8Array> =>
    fromPemOrDer(await bytesOf(path), path, "certificate-unreadable");
  const certificate = await read(file);
  const rootCertificate = root === undefined ? undefined : await read(root);
  const done = await withKeys(data, undefined, (folder, signer) =>
    importIssuing(folder, signer, certificate, rootCertificate, now()),
  );
  await audited(data, [
    {
      actor: "operator",
      action: "issuer-added",
      detail: { issuer: done.id, root: done.root, retired: [...done.retired] },
    },
  ]);
  if (json === true) return print(JSON.stringify(done));
  print(`${done.id} issues from now on, under the root ${done.root}.`);
  for (const id of done.retired)
    print(`${id} retires: it signs CRLs and OCSP answers until its certificates are dead.`);
  print("A running service takes this over by itself. A root that is new must go into the policy: 'mls-as policy'.");
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new CommandError(`${path} cannot be read`, {
      code: "file-unreadable",
      remedy: "Check its path and mode.",
      cause,
    });
  }
}

/** What was done to the authorities, into the audit log of the service. */
async function audited(data: string, events: readonly AuditEvent[]): Promise<void> {
  const store = await openStore({ dataDir: data });
  try {
    for (const event of events) await store.audit(event, now());
  } finally {
    await store.close();
  }
}

interface RotateFlags extends Target {
  readonly algorithm?: KeyAlgorithm;
  readonly remove?: string;
  readonly reissueWithin?: number;
}

export function rotateCommand(): Command {
  return operatorCommand(
    "rotate",
    "replace issuing keys without an outage; ask credentials to renew; remove an issuer that has retired",
    `
      mls-as rotate                                    new issuing keys; the old ones retire
      mls-as rotate --algorithm P-256
      mls-as rotate --reissue-within 24h               and every credential of the old ones renews within a day
      mls-as rotate --remove 0123456789abcdef0123456789abcdef
    `,
  )
    .addOption(algorithmOption())
    .option("--reissue-within <time>", "ask the credentials of the retired issuers to renew within this time", duration)
    .option("--remove <id>", "take a retired issuer out of service, once its certificates are dead")
    .action(runRotate);
}

async function runRotate(flags: RotateFlags): Promise<void> {
  const { data, algorithm, remove, reissueWithin, json } = flags;
  if (remove !== undefined) return await runRemove(flags, remove);
  const done = await withKeys(data, undefined, (folder, signer) =>
    rotateIssuing(folder, signer, chosen(algorithm), now()),
  );
  await audited(
    data,
    done.map(({ id, certified, retired }) => ({
      actor: "operator",
      action: certified ? "issuer-added" : "issuer-requested",
      detail: { issuer: id, retired: [...retired] },
    })),
  );
  const orders: string[] = [];
  if (reissueWithin !== undefined)
    await withOperator(flags, async (operator) => {
      for (const issuer of done.flatMap(({ retired }) => retired))
        orders.push(
          await operator.reissue({ issuer, issuedBefore: now() + 1, start: now(), end: now() + reissueWithin }),
        );
    });
  if (json === true) return print(JSON.stringify({ issuers: done, renewalOrders: orders }));
  for (const { id, algorithm: kind, certified, retired, path } of done) {
    if (certified) print(`${kind}: ${id} issues from now on${retired.map((old) => `; ${old} retires`).join("")}.`);
    else print(`${kind}: ${id} waits for its certificate. Carry this to the root: ${path}`);
  }
  if (done.some(({ certified }) => !certified))
    print("Then: mls-as ceremony import CERTIFICATE. Until that the present keys go on issuing.");
  else print("A running service takes this over by itself; /v1/directory announces both.");
}

async function runRemove(flags: RotateFlags, id: string): Promise<void> {
  const latest = await withOperator(flags, async (operator) => {
    const issued = (await operator.list({})).filter(({ issuer }) => issuer === id);
    return issued.reduce<number | undefined>((most, { notAfter }) => Math.max(most ?? 0, notAfter), undefined);
  });
  await removeIssuer(caFolder(flags.data), id, latest, now());
  await audited(flags.data, [{ actor: "operator", action: "issuer-removed", detail: { issuer: id } }]);
  const since = latest === undefined ? "it had issued nothing" : `its last certificate died on ${date(latest)}`;
  print(flags.json === true ? JSON.stringify({ removed: id }) : `${id} is out of service; ${since}.`);
}
