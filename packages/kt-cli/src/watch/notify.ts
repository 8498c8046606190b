import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createTransport } from "nodemailer";
import { utf8 } from "../bytes-text.js";
import type { Context } from "../context.js";
import { Failure } from "../failure.js";
import { readBytes } from "../json-file.js";
import type { Alert } from "./alert.js";
import type { Delivery } from "./watch-state.js";

export interface NotifyFlags {
  readonly webhook?: string | undefined;
  readonly webhookSecretFile?: string | undefined;
  readonly exec?: string | undefined;
  readonly mail?: string | undefined;
  readonly mailFrom?: string | undefined;
  readonly sendmail?: string | undefined;
}

const ATTEMPTS = 4;
const TIMEOUT = 20_000;

/** Ways to tell people, each retried; what fails is kept for the next run. */
export class Notifier {
  readonly #context: Context;
  readonly #flags: NotifyFlags;
  readonly #secret: Uint8Array | undefined;

  private constructor(context: Context, flags: NotifyFlags, secret: Uint8Array | undefined) {
    this.#context = context;
    this.#flags = flags;
    this.#secret = secret;
  }

  /** @throws Failure usage, file-unreadable */
  static async open(context: Context, flags: NotifyFlags): Promise<Notifier> {
    const { webhook, webhookSecretFile, mail, mailFrom } = flags;
    if (webhook !== undefined && !/^https?:\/\//.test(webhook))
      throw new Failure("usage", "--webhook takes an http or https URL", { path: "--webhook" });
    if (webhook !== undefined && webhookSecretFile === undefined)
      throw new Failure("usage", "--webhook needs --webhook-secret-file: alerts are signed", {
        path: "--webhook-secret-file",
      });
    if (mail !== undefined && mailFrom === undefined)
      throw new Failure("usage", "--mail needs --mail-from", { path: "--mail-from" });
    const secret = webhookSecretFile === undefined ? undefined : trimmed(await readBytes(context, webhookSecretFile));
    if (secret !== undefined && secret.length < 16)
      throw new Failure("file-malformed", "the webhook secret has less than 16 octets", { path: webhookSecretFile });
    return new Notifier(context, flags, secret);
  }

  /** Deliveries that an alert asks for. */
  deliveries(alert: Alert): Delivery[] {
    const { webhook, exec, mail } = this.#flags;
    const channels: Delivery["channel"][] = [];
    if (webhook !== undefined) channels.push("webhook");
    if (exec !== undefined) channels.push("exec");
    if (mail !== undefined) channels.push("mail");
    return channels.map((channel) => ({ channel, alert }));
  }

  /** Delivers, and gives back what could not be delivered. */
  async deliver(deliveries: readonly Delivery[]): Promise<Delivery[]> {
    const failed: Delivery[] = [];
    for (const delivery of deliveries) if (!(await this.#try(delivery))) failed.push(delivery);
    return failed;
  }

  async #try(delivery: Delivery): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#send(delivery);
        return true;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#context.stderr.write(`kt: ${delivery.channel}: ${reason} (attempt ${attempt} of ${ATTEMPTS})\n`);
        if (attempt === ATTEMPTS || this.#context.signal.aborted) return false;
        await this.#context.sleep(500 * 2 ** attempt, this.#context.signal);
      }
    }
  }

  async #send({ channel, alert }: Delivery): Promise<void> {
    switch (channel) {
      case "webhook":
        return this.#post(alert);
      case "exec":
        return this.#run(alert);
      case "mail":
        return this.#mail(alert);
    }
  }

  /** `kt-signature: t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`, so that a receiver can tell age and origin. */
  async #post(alert: Alert): Promise<void> {
    const { webhook } = this.#flags;
    if (webhook === undefined || this.#secret === undefined) return;
    const body = JSON.stringify(alert);
    const time = Math.floor(this.#context.clock() / 1000);
    const signature = createHmac("sha256", this.#secret).update(`${time}.${body}`).digest("hex");
    const answer = await this.#context.fetch(webhook, {
      method: "POST",
      headers: { "content-type": "application/json", "kt-signature": `t=${time},v1=${signature}` },
      body: new Uint8Array(utf8(body)),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  }

  /** The alert as JSON on standard input, its main fields in the environment. */
  async #run(alert: Alert): Promise<void> {
    const { exec } = this.#flags;
    if (exec === undefined) return;
    const child = spawn("/bin/sh", ["-c", exec], {
      env: {
        ...this.#context.environment,
        KT_ALERT_KIND: alert.kind,
        KT_ALERT_LABEL: alert.label ?? "",
        KT_ALERT_DETAIL: alert.detail,
      },
      stdio: ["pipe", "ignore", "inherit"],
      timeout: TIMEOUT,
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(JSON.stringify(alert));
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`the command ended with ${code ?? "a signal"}`);
  }

  async #mail(alert: Alert): Promise<void> {
    const { mail, mailFrom, sendmail } = this.#flags;
    if (mail === undefined || mailFrom === undefined) return;
    const transport = createTransport({ sendmail: true, newline: "unix", path: sendmail ?? "/usr/sbin/sendmail" });
    const lines = Object.entries(alert).map(([name, value]) => `${name}: ${String(value)}`);
    await transport.sendMail({
      from: mailFrom,
      to: mail,
      subject: `kt: ${alert.kind}${alert.label === undefined ? "" : ` for ${alert.label}`}`,
      text: `${alert.detail}\n\n${lines.join("\n")}\n`,
    });
  }
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && [10, 13, 32].includes(bytes[end - 1] as number)) end--;
  return bytes.subarray(0, end);
}
