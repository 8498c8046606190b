import type { ClientState } from "@mls-as/keytrans/client";
import { LogClientError } from "@mls-as/kt-client";
import { listMembers, MlsCoreError } from "@mls-as/mls-core";
import { isUserUri } from "@mls-as/mls-credentials";
import { asking } from "../asking.js";
import { hex, labelBytes } from "../bytes-text.js";
import type { Context } from "../context.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { Failure } from "../failure.js";
import { type GroupFile, readGroupFile } from "../group/group-file.js";
import {
  absentDevices,
  type CheckedMember,
  checkMembers,
  type Evidence,
  presentedUsers,
} from "../group/member-check.js";
import { readBytes } from "../json-file.js";
import { type LogFlags, openSession, type Session } from "../pin.js";
import type { Report } from "../report.js";
import type { Paper } from "../terminal/paper.js";
import { table } from "../terminal/table.js";
import { searchOne } from "../label-versions.js";

export interface GroupFlags extends LogFlags {
  /** User URIs that are meant to be in the group. */
  readonly identity?: readonly string[] | undefined;
}

/** Checks every member of a group against the log. */
export async function group(context: Context, path: string, flags: GroupFlags): Promise<Report> {
  const expected = new Set(flags.identity ?? []);
  for (const identity of expected)
    if (!isUserUri(identity))
      throw new Failure("usage", `${identity} is not a user URI.`, {
        path: "--identity",
        section: "Identities",
        remedy: "A user URI looks like mimi://example.org/u/alice.",
      });
  const now = Math.floor(context.clock() / 1000);
  const file = await readGroupFile(await readBytes(context, path), path);
  const members = membersOf(file, path);
  const session = await openSession(context, flags);
  const evidence = await asking(context, session, () =>
    session.client.transact(async (state) => await lookUp(session, state, presentedUsers(members))),
  );
  const checked = checkMembers(members, evidence, expected);
  const absent = absentDevices(checked, evidence, now);
  const missing = [...expected].filter((user) => !checked.some((member) => member.user === user));
  // What an extension of the GroupInfo gets wrong does not concern its members.
  const structure = (file.group?.violations ?? []).filter((violation) => !violation.path.startsWith("extensions"));
  return {
    exit: exitOf(checked, structure.length),
    data: {
      kind: file.kind,
      ...(file.group && {
        groupId: hex(file.group.groupId),
        epoch: Number(file.group.epoch),
        cipherSuite: file.group.cipherSuite,
      }),
      log: hex(session.pin.logId),
      members: checked,
      structure,
      absentDevices: absent,
      absentUsers: missing,
    },
    print(paper) {
      printGroup(paper, file, checked, structure);
      if (absent.length > 0) paper.paragraph(`Not in this group, though active in the log: ${absent.join(", ")}`, "  ");
      if (missing.length > 0) paper.paragraph(`Not in this group: ${missing.join(", ")}`, "  ");
    },
  };
}

function membersOf({ tree }: GroupFile, path: string): ReturnType<typeof listMembers> {
  try {
    return listMembers(tree);
  } catch (cause) {
    if (!(cause instanceof MlsCoreError)) throw cause;
    throw new Failure("file-malformed", `${path}: ${cause.message}.`, { path, section: "Ratchet Trees", cause });
  }
}

/** The newest device list of each user, proven; or that there is none. */
async function lookUp(
  session: Session,
  start: ClientState,
  users: readonly string[],
): Promise<{ state: ClientState; result: Map<string, Evidence> }> {
  const result = new Map<string, Evidence>();
  let state = start;
  for (const user of users) {
    try {
      const { found, state: next } = await searchOne(session, state, labelBytes(user), undefined);
      state = next;
      const { value } = found;
      result.set(
        user,
        value.kind === "device-list" ? { list: value.list, version: found.result.version } : { missing: "unreadable" },
      );
    } catch (error) {
      if (!(error instanceof LogClientError) || error.problem?.code !== "label-unknown") throw error;
      result.set(user, { missing: "unknown" });
    }
  }
  return { state, result };
}

function exitOf(members: readonly CheckedMember[], violations: number): ExitCode {
  const kinds = new Set(members.flatMap(({ findings }) => findings.map(({ kind }) => kind)));
  const unproven = kinds.delete("EVIDENCE_UNAVAILABLE");
  if (kinds.size > 0 || violations > 0) return EXIT.misbehaviour;
  return unproven ? EXIT.unreachable : EXIT.fine;
}

function printGroup(
  paper: Paper,
  file: GroupFile,
  members: readonly CheckedMember[],
  structure: NonNullable<GroupFile["group"]>["violations"],
): void {
  const where = file.group === undefined ? "" : ` of group ${hex(file.group.groupId)}, epoch ${file.group.epoch}`;
  paper.inked(["title", `${file.kind}${where}`]);
  table(
    paper,
    [
      { title: "LEAF", right: true },
      { title: "USER", least: 16 },
      { title: "DEVICE" },
      { title: "KEY" },
      { title: "AGAINST THE LOG", least: 20 },
    ],
    members.map(({ leafIndex, user, client, key, findings }) => [
      String(leafIndex),
      user === "" ? "—" : user,
      client === "" ? "—" : client.slice(client.lastIndexOf("/") + 1),
      key.slice(0, 16),
      findings.length === 0 ? "logged" : findings.map(({ kind }) => kind).join(", "),
    ]),
  );
  paper.line();
  const bad = members.filter(({ findings }) => findings.length > 0);
  if (bad.length === 0 && structure.length === 0)
    paper.line("Every member's key is in the log under its name.", "good");
  for (const { leafIndex, client, findings } of bad)
    for (const { kind, text } of findings) {
      paper.inked(["bad", `${kind}  `], `leaf ${leafIndex}${client === "" ? "" : ` ${client}`}`);
      paper.paragraph(text, "  ");
    }
  for (const { code, path, section, detail } of structure) {
    paper.inked(["bad", `${code}  `], path);
    paper.paragraph(`${detail} (${section})`, "  ");
  }
}
