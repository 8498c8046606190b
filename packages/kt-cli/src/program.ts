import { Command, InvalidArgumentError, Option } from "commander";
import { audit, type AuditFlags } from "./commands/audit.js";
import { completion } from "./commands/completion.js";
import { evidence } from "./commands/evidence.js";
import { explain } from "./commands/explain.js";
import { group } from "./commands/group.js";
import { gossip, type GossipFlags } from "./commands/gossip.js";
import { init } from "./commands/init.js";
import { type KeyMakingFlags, makeKey } from "./commands/key.js";
import { search } from "./commands/search.js";
import { status } from "./commands/status.js";
import { verify } from "./commands/verify.js";
import { watch, type WatchFlags } from "./commands/watch.js";
import { type WitnessFlags, witness } from "./commands/witness.js";
import type { Context } from "./context.js";
import type { LogFlags } from "./pin.js";
import type { Perform } from "./report.js";
import type { SharedFlags } from "./save-bundle.js";

export const EXITS = `
Exit codes:
  0  everything was verified, and nothing is wrong
  1  misbehaviour is proven, or something is there that must not be
  2  the command line, a file or the stored state cannot be used
  3  no verified and current answer could be had (unreachable, refused, stale, unverifiable)
  4  the log presents other keys than those pinned
  70 a fault of kt itself

Files: $KT_HOME, or $XDG_STATE_HOME/kt, or ~/.local/state/kt. NO_COLOR turns colours off.`;

export const VERSION = "0.1.0";

/** The commands, their options and their help: the man page and the completions are made from it. */
export function createProgram(context: Context, perform: Perform): Command {
  const program = new Command("kt")
    .description("Watches, searches and audits a Key Transparency log, trusting nobody.")
    .version(VERSION, "--version", "print the version")
    .helpCommand("help [command]", "tell about a command")
    .addHelpText("after", EXITS)
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 100,
      getErrHelpWidth: () => context.stderr.columns ?? 100,
    })
    .showHelpAfterError("(kt help lists the commands, kt help COMMAND what one takes)")
    .exitOverride();

  const command = (usage: string, description: string): Command =>
    program
      .command(usage)
      .description(description)
      .option("--json", "print one JSON object instead of text")
      .option("--evidence-dir <dir>", "where evidence files go (default: evidence/ in kt's folder)")
      .exitOverride();

  command("init <url>", "pin a log: its keys are trusted from now on")
    .option("--name <name>", "name to pin it under (default: the host)")
    .option("--fingerprint <hex>", "log id that it must have; without it, the first answer is trusted")
    .action((url: string, flags: SharedFlags & { name?: string; fingerprint?: string }) =>
      perform(flags, () => init(context, url, flags)),
    );
  asks(command("status", "size, head age, signatures, auditor, witnesses and growth of a log"))
    .option("--witness-policy <file>", "C2SP tlog-policy that the checkpoint must meet")
    .action((flags: SharedFlags & LogFlags) => perform(flags, () => status(context, flags)));
  asks(command("search <label>", "prove and print the devices and keys of a user"))
    .option("--version <n>", "this version instead of the greatest", versionNumber)
    .option("--history", "every version, and what each changed")
    .option("--save <file>", "keep the proof for kt verify")
    .option("--write-own <file>", "write all keys as devices.json, to be checked by you and used by kt watch --own")
    .action((label: string, flags: SharedFlags & LogFlags) => perform(flags, () => search(context, label, flags)));
  asks(command("explain [label]", "walk through the proof of a search in words"))
    .option("--version <n>", "this version instead of the greatest", versionNumber)
    .option("--file <file>", "a proof saved by kt search --save, offline")
    .action((label: string | undefined, flags: SharedFlags & LogFlags) =>
      perform(flags, () => explain(context, label, flags)),
    );
  command("verify <file>", "verify a saved proof again, offline")
    .option("--fingerprint <hex>", "log id that the proof must be of (default: one of the pinned logs)")
    .action((file: string, flags: SharedFlags & { fingerprint?: string }) =>
      perform(flags, () => verify(context, file, flags)),
    );
  asks(command("watch <label...>", "look at every new version of labels, and alert on what must not be"))
    .option("--own <file>", "devices.json: you own these labels, and anything not listed there is an alert")
    .option("--accept-gaps", "you know of the versions and entries that the log withheld so far: go on without them")
    .option("--daemon", "look again and again until SIGTERM")
    .option("--interval <seconds>", "between two looks of a daemon (default 300)", seconds)
    .option("--listen <host:port>", "metrics and health of a daemon: /metrics /healthz /readyz")
    .option("--webhook <url>", "post each alert as signed JSON")
    .option("--webhook-secret-file <file>", "key of the HMAC-SHA256 in the kt-signature header")
    .option("--exec <command>", "run a shell command for each alert, JSON on standard input")
    .option("--mail <address>", "send each alert by mail")
    .option("--mail-from <address>", "sender of these mails")
    .option("--sendmail <path>", "sendmail program (default /usr/sbin/sendmail)")
    .action((labels: string[], flags: WatchFlags) => perform(flags, () => watch(context, labels, flags)));
  asks(command("audit", "follow every entry of an audited log from the start, and verify both trees"))
    .addOption(
      new Option("--sign <key>", "sign and post auditor tree heads: a key file or a pkcs11: URI").env("KT_AUDIT_KEY"),
    )
    .option("--passphrase-file <file>", "of the key file (or KT_PASSPHRASE_FILE, KT_PASSPHRASE)")
    .option("--pin-file <file>", "PIN of the PKCS#11 token")
    .option("--no-post", "sign, but do not hand the head to the log")
    .option("--from <file>", "start from an encoded AuditorCheckpoint, or log: from the one that the log gives out")
    .option("--restart", "forget where an earlier audit stopped")
    .option("--compare <file...>", "gossip of users: their heads must lie in the tree audited")
    .option("--follow", "go on as the log grows, until SIGTERM")
    .option("--interval <seconds>", "between two looks with --follow (default 60)", seconds)
    .action((flags: SharedFlags & AuditFlags) => perform(flags, () => audit(context, flags)));
  asks(command("gossip [files...]", "show this view of the log, or compare it with other people's"))
    .option("--via <url...>", "look from other addresses of the same log as well")
    .option("--save <file>", "write this view, with the proof of it, to be compared elsewhere")
    .option("--offline", "compare the files with each other, and ask nobody")
    .option("--no-qr", "no QR code")
    .action((files: string[], flags: GossipFlags) => perform(flags, () => gossip(context, files, flags)));
  command("key <folder>", "make an encrypted signing key for an auditor or a witness")
    .option("--passphrase-file <file>", "passphrase that encrypts it (or KT_PASSPHRASE_FILE, KT_PASSPHRASE)")
    .action((folder: string, flags: SharedFlags & KeyMakingFlags) =>
      perform(flags, () => makeKey(context, folder, flags)),
    );
  command("witness", "cosign checkpoints of logs by the C2SP witness protocol, until SIGTERM")
    .option("--name <name>", "name of this witness in its signatures, as witness.example/alice")
    .addOption(new Option("--sign <key>", "its Ed25519 key: a key file or a pkcs11: URI").env("KT_WITNESS_KEY"))
    .option("--passphrase-file <file>", "of the key file (or KT_PASSPHRASE_FILE, KT_PASSPHRASE)")
    .option("--pin-file <file>", "PIN of the PKCS#11 token")
    .option("--log-key <vkey>", "verifier key of a log that it watches (repeat it)", collect)
    .option("--listen <host:port>", "where logs reach it (default 127.0.0.1:8461)")
    .action((flags: WitnessFlags) => perform(flags, () => witness(context, flags)));
  command("completion <shell>", "print the completion script for bash, zsh or fish").action(
    (shell: string, flags: SharedFlags) => perform(flags, async () => completion(program, shell)),
  );
  command("evidence <file>", "judge an evidence file, offline, in plain words")
    .option("--fingerprint <hex>", "log id of the log that is accused")
    .option("--policy <file>", "policy of the accused's domain, for findings of the ghost detector")
    .action((file: string, flags: SharedFlags & { fingerprint?: string; policy?: string }) =>
      perform(flags, () => evidence(context, file, flags)),
    );
  asks(command("group <file>", "check every member of a group (a GroupInfo or ratchet tree) against the log"))
    .option("--identity <uri>", "somebody who is meant to be in it (repeat it); anybody else is a finding", collect)
    .action((file: string, flags: SharedFlags & LogFlags & { identity?: string[] }) =>
      perform(flags, () => group(context, file, flags)),
    );
  return program;
}

/** Options of the commands that ask a log. */
function asks(command: Command): Command {
  return command
    .option("--log <name>", "which pinned log (default: the only one)")
    .option("--url <url>", "ask the same log at another address")
    .addOption(new Option("--token-file <file>", "bearer token for a log that is not public").env("KT_TOKEN_FILE"))
    .option("--timeout <seconds>", "for one request", seconds);
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function versionNumber(text: string): number {
  const version = Number(text);
  if (!/^\d{1,10}$/.test(text) || version >= 2 ** 32)
    throw new InvalidArgumentError("a version is a number below 2^32");
  return version;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d{1,6}(\.\d+)?$/.test(text) || value <= 0) throw new InvalidArgumentError("a number of seconds is due");
  return value;
}
