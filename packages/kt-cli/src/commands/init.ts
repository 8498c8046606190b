import { createTransport, fetchConfiguration, LogClientError } from "@mls-as/kt-client";
import type { Configuration } from "@mls-as/keytrans";
import { equalBytes } from "@mls-as/tls-codec";
import { plainFailure } from "../asking.js";
import { fingerprintText, hex } from "../bytes-text.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-code.js";
import { logOf } from "../exchange-replay.js";
import { Failure } from "../failure.js";
import { LOG_NAME, type Pin, readPin, writePin } from "../pin.js";
import type { Report } from "../report.js";
import { durationText, timeText } from "../terminal/time-text.js";

export interface InitFlags {
  readonly name?: string | undefined;
  readonly fingerprint?: string | undefined;
}

/** Pins a log: everything it says later is held against the keys that it presents now. */
export async function init(context: Context, url: string, { name, fingerprint }: InitFlags): Promise<Report> {
  const wanted = fingerprint?.replaceAll(/[\s:]/g, "").toLowerCase();
  if (wanted !== undefined && !/^[0-9a-f]{64}$/.test(wanted))
    throw new Failure("usage", "A fingerprint is the log id: 64 hexadecimal digits.", { path: "--fingerprint" });
  const { configuration, base } = await ask(context, url);
  const log = await logOf(configuration).catch((error: unknown) => {
    if (error instanceof LogClientError)
      throw new Failure("unverifiable", `${url} does not present the configuration of a log: ${error.message}.`);
    throw error;
  });
  if (wanted !== undefined && hex(log.logId) !== wanted)
    throw new Failure("fingerprint-mismatch", `${url} presents log id ${hex(log.logId)}, not ${wanted}.`, {
      path: "--fingerprint",
      remedy: "Nothing was pinned. Check the fingerprint and the address.",
    });
  const chosen = name ?? defaultName(base);
  if (!LOG_NAME.test(chosen))
    throw new Failure("usage", "A name is made of a-z 0-9 . _ -", { path: "--name", reason: chosen });
  const before = await readPin(context, chosen);
  if (before !== undefined)
    return again(context, before, { url: base, configuration, logId: log.logId, checked: wanted !== undefined });
  const pin: Pin = {
    name: chosen,
    url: base,
    logId: log.logId,
    configuration,
    pinnedAt: context.clock(),
    by: wanted === undefined ? "first-use" : "fingerprint",
  };
  await writePin(context, pin);
  return report(pin, log.configuration, "pinned");
}

async function ask(context: Context, url: string): Promise<{ configuration: Uint8Array; base: string }> {
  const transport = createTransport({
    url,
    fetch: context.fetch,
    clock: context.clock,
    sleep: context.sleep,
    signal: context.signal,
  });
  try {
    return { configuration: await fetchConfiguration(transport), base: transport.url };
  } catch (error) {
    throw error instanceof LogClientError ? plainFailure(error) : error;
  }
}

/** Pinned before: the keys must be the same; a new address or a checked fingerprint is taken over. */
async function again(
  context: Context,
  before: Pin,
  now: { url: string; configuration: Uint8Array; logId: Uint8Array; checked: boolean },
): Promise<Report> {
  if (!equalBytes(before.configuration, now.configuration)) {
    const same = equalBytes(before.logId, now.logId);
    throw new Failure(
      "unexpected-key",
      same
        ? `${now.url} presents the pinned log id with other settings. A log's configuration never changes.`
        : `${now.url} presents log id ${hex(now.logId)}; pinned as ${before.name} is ${hex(before.logId)}.`,
      { path: "configuration", remedy: "Nothing was changed. To pin another log as well: --name NAME" },
    );
  }
  const pin: Pin = { ...before, url: now.url, by: now.checked ? "fingerprint" : before.by };
  await writePin(context, pin);
  return report(pin, (await logOf(pin.configuration)).configuration, "pinned-before");
}

const defaultName = (url: string): string =>
  new URL(url).host
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, "-")
    .slice(0, 64);

const MODES: Readonly<Record<Configuration["mode"], string>> = {
  contactMonitoring: "contact monitoring",
  thirdPartyManagement: "managed by a third party",
  thirdPartyAuditing: "audited by a third party",
};
const SUITES: Readonly<Record<number, string>> = { 1: "KT_128_SHA256_P256", 2: "KT_128_SHA256_Ed25519" };

function report(pin: Pin, configuration: Configuration, state: "pinned" | "pinned-before"): Report {
  const { ciphersuite, mode, signaturePublicKey, vrfPublicKey } = configuration;
  const auditor = configuration.mode === "thirdPartyAuditing" ? configuration.auditorPublicKey : undefined;
  const duration = (milliseconds: bigint): string => durationText(Number(milliseconds));
  return {
    exit: EXIT.fine,
    data: {
      state,
      name: pin.name,
      url: pin.url,
      logId: hex(pin.logId),
      by: pin.by,
      pinnedAt: pin.pinnedAt,
      configuration: {
        ciphersuite,
        mode,
        signaturePublicKey: hex(signaturePublicKey),
        vrfPublicKey: hex(vrfPublicKey),
        ...(auditor && { auditorPublicKey: hex(auditor) }),
        maxAhead: Number(configuration.maxAhead),
        maxBehind: Number(configuration.maxBehind),
        reasonableMonitoringWindow: Number(configuration.reasonableMonitoringWindow),
      },
    },
    print(paper) {
      paper.line(
        state === "pinned" ? `Pinned ${pin.url} as ${pin.name}.` : `${pin.name} was pinned before, with the same keys.`,
        "good",
      );
      paper.line();
      paper.facts([
        ["fingerprint", fingerprintText(pin.logId)],
        [
          "pinned",
          `${timeText(pin.pinnedAt)}, ${pin.by === "fingerprint" ? "checked against the fingerprint you gave" : "on first use"}`,
        ],
        ["cipher suite", SUITES[ciphersuite] ?? String(ciphersuite)],
        ["signature key", hex(signaturePublicKey)],
        ["VRF key", hex(vrfPublicKey)],
        ["deployment", MODES[mode]],
        ...(auditor === undefined ? [] : ([["auditor key", hex(auditor)]] as const)),
        ["heads are at most", `${duration(configuration.maxBehind)} old`],
        ["owners look every", duration(configuration.reasonableMonitoringWindow)],
      ]);
      if (pin.by === "fingerprint") return;
      paper.line();
      paper.paragraph(
        "Compare the fingerprint with one from another source: the operator's site over another network, a friend, a printed page. Whoever could answer in the log's place now will be believed from now on.",
      );
    },
  };
}
