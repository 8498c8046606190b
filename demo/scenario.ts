import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { buildTbsCertificate, openDevelopmentCa, signCertificate } from "@mls-as/as";
import type { PreparedPolicy } from "@mls-as/mls-credentials";
import { clientUri, type FindingKind, userUri } from "@mls-as/mls-credentials";
import {
  type EnrolledCredential,
  openLog,
  policyOf,
  readDirectory,
  type ServiceDirectory,
} from "@mls-as/mls-credentials/client";
import { nodeSuite } from "@mls-as/keytrans/node";
import type { AuthenticationService } from "ts-mls";
import { type AdminClient, adminClient } from "./admin.js";
import { Device, generateKeys } from "./device.js";
import { MlsClient } from "./mls-client.js";
import { type Narrator, timed } from "./narrator.js";

export interface Setting {
  readonly asUrl: string;
  readonly logUrl: string;
  /** The AS's data folder: the operator's, who owns the keys in it and misuses them. */
  readonly asDataDir: string;
}

export interface Attack {
  readonly kind: "unlogged-certificate" | "logged-ghost";
  /** Client URIs of the devices that reported it. */
  readonly detectedBy: readonly string[];
  readonly finding: FindingKind;
  /** Whether honest members refused to let the ghost in where the policy requires transparency. */
  readonly refused: boolean;
  /** From the attack to the finding. */
  readonly ms: number;
}

export interface Report {
  readonly enrolled: readonly string[];
  /** Credentials judged acceptable by MLS clients in the group. */
  readonly validated: number;
  readonly log: { readonly size: number; readonly root: string };
  readonly attacks: readonly Attack[];
  readonly revoked: {
    readonly client: string;
    readonly detectedBy: readonly string[];
    readonly finding: FindingKind;
    readonly ms: number;
  };
}

interface Cast {
  readonly phone: Device;
  readonly laptop: Device;
  readonly bob: Device;
  readonly credentials: ReadonlyMap<Device, EnrolledCredential>;
}

/** The whole idea, on real parts: enrolment, a group, two attacks by the operator, a revocation. */
export async function runScenario(setting: Setting, narrator: Narrator): Promise<Report> {
  const directory = await readDirectory(setting.asUrl);
  const admin = await adminClient(setting.asUrl, setting.asDataDir);
  // Findings grow from "pending" to "confirmed" as the log moves on. An app waits for hours, a demo for a second.
  const required = policyOf(directory, { clockSkew: 1, evidenceDeadline: 1 });

  narrator.chapter("1. Three devices enrol");
  const cast = await enrolAll(setting, directory, required, admin, narrator);
  const devices = [cast.phone, cast.laptop, cast.bob];

  narrator.chapter("2. They form a group and validate each other, without asking the operator");
  const users = [cast.phone.user, cast.bob.user];
  const group = await formGroup(cast, users, narrator);
  const validated = devices.flatMap(({ verdicts }) => verdicts).filter(({ accepted }) => accepted).length;

  narrator.chapter("3. The operator cheats: a certificate outside the log");
  const unlogged = await attackUnlogged(setting, directory, cast, users, narrator);

  narrator.chapter("4. The operator cheats again: a ghost device, properly logged under Alice's name");
  const ghost = await attackLogged(setting, directory, required, cast, admin, narrator);
  await cast.bob.lookup(cast.phone.user);
  const [settled] = cast.bob.findings("UNLOGGED_LEAF");
  if (settled?.life !== "confirmed") throw new Error("Bob's finding was not confirmed");
  narrator.good("meanwhile the log has moved on without Bob's unlogged member: his finding is confirmed");

  narrator.chapter("5. Alice's laptop is lost and revoked");
  const revoked = await revokeLaptop(cast, users, admin, narrator);

  const log = await (await openLog({ ...directory.log, suite: (id) => nodeSuite(id as 1 | 2) })).lookup(cast.bob.user);
  const root = Buffer.from(log.root).toString("hex");
  narrator.chapter(`The log now holds ${log.treeSize} entries, root ${root.slice(0, 16)}…`);
  narrator.tell(`${group} devices, ${validated} credentials validated, every attack seen`);
  return {
    enrolled: devices.map(({ client }) => client),
    validated,
    log: { size: log.treeSize, root },
    attacks: [unlogged, ghost],
    revoked,
  };
}

async function enrolAll(
  { asUrl }: Setting,
  directory: ServiceDirectory,
  policy: PreparedPolicy,
  admin: AdminClient,
  narrator: Narrator,
): Promise<Cast> {
  const create = (user: string, device: string): Promise<Device> =>
    Device.create(clientUri(directory.domain, user, device), directory, policy);
  const phone = await create("alice", "phone");
  const laptop = await create("alice", "laptop");
  const bob = await create("bob", "tablet");
  const credentials = new Map<Device, EnrolledCredential>();

  const first = await timed(async () => phone.enrol(asUrl, { token: await admin.token(phone.user, phone.client) }));
  credentials.set(phone, first.result);
  narrator.good("Alice's phone has a credential; the log held its hash before it was signed, and proved it", first.ms);

  const approval = await phone.approve(laptop);
  const second = await timed(() => laptop.enrol(asUrl, { approval }));
  credentials.set(laptop, second.result);
  narrator.good("Alice's laptop too, approved by her phone; the approval is in the log", second.ms);

  const third = await timed(async () => bob.enrol(asUrl, { token: await admin.token(bob.user, bob.client) }));
  credentials.set(bob, third.result);
  narrator.good("and Bob's tablet", third.ms);
  return { phone, laptop, bob, credentials };
}

async function formGroup({ phone, laptop, bob }: Cast, users: readonly string[], narrator: Narrator): Promise<number> {
  for (const device of [phone, laptop, bob]) for (const user of users) await device.lookup(user);
  await phone.mls.createGroup(randomBytes(16), phone.authenticationService(users));
  const { welcome } = await phone.mls.add([laptop.mls.keyPackage, bob.mls.keyPackage]);
  await laptop.mls.join(welcome, laptop.authenticationService(users));
  await bob.mls.join(welcome, bob.authenticationService(users));
  narrator.good("Alice's phone made a group; her laptop and Bob checked every member and joined");

  const hello = await phone.mls.send("Hello Bob, it is really me.");
  const heard = await bob.mls.receive(hello);
  await laptop.mls.receive(hello);
  const reply = await bob.mls.send("I checked. Hello Alice!");
  const answered = await phone.mls.receive(reply);
  await laptop.mls.receive(reply);
  if (heard === undefined || answered === undefined) throw new Error("a message was not delivered");
  narrator.tell(`Alice: “${heard}”   Bob: “${answered}”`);
  for (const device of [phone, laptop, bob]) {
    await device.look(users);
    const alarms = device.detector.findings();
    if (alarms.length > 0) throw new Error(`a false alarm on ${device.client}: ${alarms[0]?.kind}`);
  }
  narrator.tell("three ghost detectors look at the group and have nothing to say");
  return 3;
}

/** A third device of Alice, certified with the CA's own key behind the service's back. */
async function forgeCredential({ asDataDir }: Setting, directory: ServiceDirectory): Promise<MlsClient> {
  const keys = generateKeys();
  const [issuer] = (await openDevelopmentCa(asDataDir)).issuers.filter(({ algorithm }) => algorithm === "Ed25519");
  if (issuer === undefined) throw new Error("there is no Ed25519 issuer");
  const now = Math.floor(Date.now() / 1000);
  const tbs = buildTbsCertificate({
    issuer,
    serial: new Uint8Array(randomBytes(16)),
    subjectPublicKeyInfo: keys.spki,
    user: userUri(directory.domain, "alice"),
    client: clientUri(directory.domain, "alice", "tablet"),
    notBefore: now - 60,
    notAfter: now + 86_400,
    logId: directory.log.logId,
    crlUrl: "http://as.example.test/crl/0.crl",
    caIssuersUrl: "http://as.example.test/ca/0.cer",
    ocspUrl: "http://as.example.test/ocsp",
  });
  return await MlsClient.create([await signCertificate(issuer.key, tbs), issuer.certificate], keys);
}

async function attackUnlogged(
  setting: Setting,
  directory: ServiceDirectory,
  { phone, bob, credentials }: Cast,
  users: readonly string[],
  narrator: Narrator,
): Promise<Attack> {
  const ghost = await forgeCredential(setting, directory);
  narrator.attack("the CA signs a certificate for “Alice's tablet” without logging it: the chain is flawless");
  const { result: refused, ms: refusal } = await timed(() =>
    phone.mls.add([ghost.keyPackage]).then(
      () => false,
      () => phone.verdicts.at(-1)?.acceptance?.standing === "unlogged",
    ),
  );
  if (!refused) throw new Error("an unlogged credential was let in where transparency is required");
  narrator.good("the group requires transparency: the ghost is refused, because the log does not hold it", refusal);

  // A second group whose policy only advises. Nobody is kept out there, so this is where detection must work.
  const advisory = policyOf(directory, { clockSkew: 1, evidenceDeadline: 1, transparency: "advisory" });
  const mine = await phone.anotherClient(credentials.get(phone) as EnrolledCredential);
  const bobs = await bob.anotherClient(credentials.get(bob) as EnrolledCredential);
  await mine.createGroup(randomBytes(16), phone.authenticationService(users, advisory));
  const { welcome } = await mine.add([bobs.keyPackage]);
  await bobs.join(welcome, bob.authenticationService(users, advisory));
  const { ms } = await timed(async () => {
    const { commit, welcome: toGhost } = await mine.add([ghost.keyPackage]);
    await ghost.join(toGhost, ACCEPT_ALL);
    await bobs.receive(commit);
    await bob.look(users, bobs);
  });
  const [finding] = bob.findings("UNLOGGED_LEAF");
  if (finding === undefined) throw new Error("Bob did not notice the unlogged member");
  narrator.good(
    `where transparency is only advised it joins, and Bob's detector says ${finding.kind} (${finding.life})`,
    ms,
  );
  return { kind: "unlogged-certificate", detectedBy: [bob.client], finding: finding.kind, refused, ms };
}

/** The attacker's own client validates nothing. */
const ACCEPT_ALL: AuthenticationService = { validateCredential: async () => true };

async function attackLogged(
  { asUrl }: Setting,
  directory: ServiceDirectory,
  policy: PreparedPolicy,
  { phone, laptop }: Cast,
  admin: AdminClient,
  narrator: Narrator,
): Promise<Attack> {
  // Lets Bob's pending finding come to its deadline before the log grows again.
  await sleep(2100);
  const ghost = await Device.create(clientUri(directory.domain, "alice", "backup"), directory, policy);
  await ghost.enrol(asUrl, { token: await admin.token(ghost.user, ghost.client) });
  narrator.attack("the operator enrols “Alice's backup”: logged, signed, and accepted by everyone who checks the log");
  const { ms } = await timed(async () => {
    for (const device of [phone, laptop]) await device.lookup(phone.user);
  });
  const seen = [phone, laptop].filter((device) => device.findings("SELF_UNKNOWN_IN_LOG").length > 0);
  if (seen.length !== 2) throw new Error("Alice's devices did not notice the ghost");
  narrator.good("but Alice's own devices watch her label: both say SELF_UNKNOWN_IN_LOG", ms);
  return {
    kind: "logged-ghost",
    detectedBy: seen.map(({ client }) => client),
    finding: "SELF_UNKNOWN_IN_LOG",
    refused: false,
    ms,
  };
}

async function revokeLaptop(
  { phone, laptop, bob }: Cast,
  users: readonly string[],
  admin: AdminClient,
  narrator: Narrator,
): Promise<Report["revoked"]> {
  const { ms } = await timed(async () => {
    await admin.revokeDevice(laptop.client, "keyCompromise");
    for (const device of [phone, bob]) {
      await device.lookup(laptop.user);
      await device.look(users);
    }
  });
  narrator.tell("the revocation is in CRL and OCSP at once, and in the log");
  const seen = [phone, bob].filter((device) => device.findings("REMOVED_DEVICE_PRESENT").length > 0);
  if (seen.length !== 2) throw new Error("the revoked device's leaf was not reported");
  narrator.good("her phone and Bob report that its leaf is still in the group: REMOVED_DEVICE_PRESENT", ms);
  return {
    client: laptop.client,
    detectedBy: seen.map(({ client }) => client),
    finding: "REMOVED_DEVICE_PRESENT",
    ms,
  };
}
