import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAs } from "@mls-as/as";
import { startKtLog } from "@mls-as/kt-log";
import { type GroupInfo, MLSMessage, RatchetTree } from "@mls-as/mls-core";
import { policyOf, readDirectory } from "@mls-as/mls-credentials/client";
import { decode, encode } from "@mls-as/tls-codec";
import {
  type ClientState,
  createGroupInfoWithExternalPubAndRatchetTree,
  encodeMlsMessage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
} from "ts-mls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Device, generateKeys } from "../../../demo/device.js";
import { CIPHER_SUITE, MlsClient } from "../../../demo/mls-client.js";
import { exampleIssuer, exampleLeaf, exampleRoot } from "../../conformance/example-certificates.js";
import { runKt } from "./kt-process.js";

const ALICE = "mimi://mls.example/u/alice";
const BOB = "mimi://mls.example/u/bob";
const everybody = { validateCredential: () => Promise.resolve(true) };

/** `kt group` on groups of ts-mls, against the real services. */
describe("kt group", () => {
  let folder: string;
  let log: Awaited<ReturnType<typeof startKtLog>>;
  let as: Awaited<ReturnType<typeof startAs>>;
  let alice: Device;
  let bob: Device;

  const admin = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const response = await fetch(`${as.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${as.adminToken}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const enrolled = async (user: string, device: string): Promise<Device> => {
    const directory = await readDirectory(as.url);
    const client = `mimi://mls.example/d/${user}/${device}`;
    const one = await Device.create(client, directory, policyOf(directory));
    const { token } = await admin("/v1/admin/tokens", { user: one.user, client });
    await one.enrol(as.url, { token: token as string });
    return one;
  };
  const kt = (...args: string[]) => runKt(args, { home: join(folder, "home") });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kt-group-"));
    log = await startKtLog({ dataDir: join(folder, "log"), port: 0, quiet: true });
    const services = { logUrl: log.url, logWriterToken: log.writerToken };
    as = await startAs({ dataDir: join(folder, "as"), port: 0, quiet: true, ...services });
    alice = await enrolled("alice", "phone");
    bob = await enrolled("bob", "phone");
    await kt("init", log.url);
  });
  afterAll(async () => {
    await as.close();
    await log.close();
    await rm(folder, { recursive: true });
  });

  /** A group of Alice's with others in it, whoever they are. */
  async function groupOf(...others: readonly MlsClient[]): Promise<ClientState> {
    const founder = await MlsClient.create(certificatesOf(alice), alice.keys);
    await founder.createGroup(new TextEncoder().encode("group"), everybody);
    if (others.length > 0) await founder.add(others.map(({ keyPackage }) => keyPackage));
    return founder.state;
  }
  const certificatesOf = (device: Device): readonly Uint8Array[] => {
    const { credential } = device.mls.keyPackage.leafNode;
    return credential.credentialType === "x509" ? credential.certificates : [];
  };
  async function groupInfoOf(state: ClientState): Promise<Uint8Array> {
    const suite = await getCiphersuiteImpl(getCiphersuiteFromName(CIPHER_SUITE));
    const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(state, [], suite);
    return encodeMlsMessage({ version: "mls10", wireformat: "mls_group_info", groupInfo });
  }
  async function check(content: Uint8Array | string, ...args: string[]) {
    const path = join(folder, "group.bin");
    await writeFile(path, content);
    const run = await kt("group", path, "--json", ...args);
    const members = run.json["members"] as { client: string; findings: { kind: string }[] }[] | undefined;
    return { ...run, kinds: members?.map(({ findings }) => findings.map(({ kind }) => kind)) };
  }

  test("an honest group, however its file is written", async () => {
    const bytes = await groupInfoOf(await groupOf(bob.mls));
    const message = decode(MLSMessage, bytes) as { groupInfo: GroupInfo };
    const extension = message.groupInfo.extensions.find(({ extensionType }) => extensionType === 2);
    const armoured = `-----BEGIN MLS GROUP INFO-----\n${Buffer.from(bytes).toString("base64").replaceAll(/.{64}/g, "$&\n")}\n-----END MLS GROUP INFO-----\n`;
    const forms: (Uint8Array | string)[] = [
      bytes,
      bytes.subarray(4),
      Buffer.from(bytes).toString("hex"),
      Buffer.from(bytes).toString("base64url"),
      armoured,
      extension?.extensionData ?? new Uint8Array(),
    ];
    for (const form of forms) {
      const run = await check(form, "--identity", ALICE, "--identity", BOB);
      expect(run.code, run.stdout + run.stderr).toBe(0);
      expect(run.kinds).toEqual([[], []]);
    }
    const text = await kt("group", join(folder, "group.bin"));
    expect(text.stdout).toMatch(/Every member's key is in the log under its name/);
  });

  test("somebody whom nobody expects, and somebody who is missing", async () => {
    const bytes = await groupInfoOf(await groupOf(bob.mls));
    const run = await check(bytes, "--identity", ALICE, "--identity", "mimi://mls.example/u/carol");
    expect([run.code, run.kinds]).toEqual([1, [[], ["IDENTITY_CONFLICT"]]]);
    expect(run.json["absentUsers"]).toEqual(["mimi://mls.example/u/carol"]);
  });

  test("a certificate that is not in the log, under a user who is and under one who is not", async () => {
    const issuer = await exampleIssuer(await exampleRoot());
    const rogues: MlsClient[] = [];
    for (const user of ["bob", "nobody"]) {
      const keys = generateKeys();
      const key = { ...keys, spkiHash: keys.spki, privateKey: keys.signKey };
      const names = [`mimi://mls.example/u/${user}`, `mimi://mls.example/d/${user}/ghost`];
      const leaf = await exampleLeaf({ serial: "7", issuer, key, names });
      rogues.push(await MlsClient.create([leaf, issuer.certificate], keys));
    }
    const run = await check(await groupInfoOf(await groupOf(...rogues)));
    expect([run.code, run.kinds]).toEqual([1, [[], ["UNLOGGED_LEAF"], ["UNLOGGED_LEAF"]]]);
    const text = await kt("group", join(folder, "group.bin"));
    expect(text.stdout).toMatch(/UNLOGGED_LEAF {2}leaf 1 mimi:\/\/mls\.example\/d\/bob\/ghost/);
  });

  test("somebody else's certificate, and the same device twice", async () => {
    const thief = await MlsClient.create(certificatesOf(bob), generateKeys());
    const run = await check(await groupInfoOf(await groupOf(bob.mls, thief)));
    expect(run.code).toBe(1);
    expect(run.kinds).toEqual([[], [], ["DUPLICATE_CLIENT", "KEY_MISMATCH"]]);
  });

  test("a revoked device that stayed", async () => {
    const carol = await enrolled("carol", "phone");
    const bytes = await groupInfoOf(await groupOf(carol.mls));
    expect((await check(bytes)).code).toBe(0);
    await admin("/v1/admin/devices/revocation", { client: carol.client, reason: "keyCompromise" });
    const run = await check(bytes);
    expect([run.code, run.kinds]).toEqual([1, [[], ["REMOVED_DEVICE_PRESENT"]]]);
  });

  test("a device of a member that is not in the group is told, and is no finding", async () => {
    const tablet = await enrolled("erik", "tablet");
    const phone = await enrolled("erik", "phone");
    const run = await check(await groupInfoOf(await groupOf(phone.mls)));
    expect([run.code, run.json["absentDevices"]]).toEqual([0, [tablet.client]]);
  });

  test("a tree whose leaf was changed after it was signed", async () => {
    const bytes = await groupInfoOf(await groupOf(bob.mls));
    const message = decode(MLSMessage, bytes) as Extract<MLSMessage, { wireFormat: "groupInfo" }>;
    const extensions = message.groupInfo.extensions.map((extension) => {
      if (extension.extensionType !== 2) return extension;
      const tree = decode(RatchetTree, extension.extensionData).map((node) =>
        node?.nodeType === "leaf"
          ? { ...node, leafNode: { ...node.leafNode, encryptionKey: new Uint8Array(32).fill(9) } }
          : node,
      );
      return { ...extension, extensionData: encode(RatchetTree, tree) };
    });
    const run = await check(encode(MLSMessage, { ...message, groupInfo: { ...message.groupInfo, extensions } }));
    expect(run.code).toBe(1);
    const codes = (run.json["structure"] as { code: string }[]).map(({ code }) => code);
    expect(codes).toContain("invalid-signature");
    expect(codes).toContain("tree-hash-mismatch");
  });

  test("files and names that are of no use", async () => {
    expect((await check("not a group")).json.error).toMatchObject({ code: "file-malformed" });
    expect((await check(new Uint8Array([0, 1, 0, 4, 0]))).code).toBe(2);
    expect((await kt("group", join(folder, "absent"))).code).toBe(2);
    const bytes = await groupInfoOf(await groupOf());
    expect((await check(bytes, "--identity", "alice")).code).toBe(2);
  });
});
