import type { JSONWebKeySet } from "jose";
import { Problem } from "../problem.js";

/** Where the keys of an OpenID provider may be fetched from. */
export interface ProviderAddress {
  /** Issuer identifier; its discovery document is at `/.well-known/openid-configuration` below it. */
  readonly issuer: string;
  /**
   * Origins beside the issuer's own that its `jwks_uri` may name. A provider cannot make this service ask any other
   * address.
   */
  readonly keyOrigins?: readonly string[];
  /** For development: allows a provider without TLS. */
  readonly allowHttp?: boolean;
}

const MAX_DOCUMENT = 256 * 1024;
const TIMEOUT = 5_000;
/** Milliseconds that keys are used for, and that must pass before an unknown key id makes us ask again. */
const KEYS_LIFETIME = 600_000;
const KEYS_COOLDOWN = 30_000;
/** Milliseconds that must pass before a provider that did not answer is asked again. */
const FAILURE_COOLDOWN = 10_000;

interface KeyFetch {
  readonly set: Promise<JSONWebKeySet>;
  readonly at: number;
  failed?: true;
}

/** The keys of an OpenID provider: found by discovery, kept, and fetched again when they rotate. */
export class ProviderKeys {
  readonly #address: ProviderAddress;
  readonly #origins: ReadonlySet<string>;
  readonly #clock: () => number;
  /** What was fetched last; a fetch that fails leaves it. */
  #keys: { readonly set: JSONWebKeySet; readonly fetchedAt: number } | undefined;
  #fetch: KeyFetch | undefined;

  /** @throws Error when the issuer or an origin is not an acceptable URL */
  constructor(address: ProviderAddress, clock: () => number) {
    this.#address = address;
    this.#clock = clock;
    const origins = [address.issuer, ...(address.keyOrigins ?? [])].map((text) => this.#readUrl(text).origin);
    this.#origins = new Set(origins);
  }

  /**
   * The key set; with `refresh` a newer one, unless the last is only seconds old, or the provider does not answer.
   *
   * @throws Problem `oidc-provider-unavailable`
   */
  async current(refresh: boolean): Promise<JSONWebKeySet> {
    const known = this.#keys;
    const age = known === undefined ? Number.POSITIVE_INFINITY : this.#clock() - known.fetchedAt;
    if (known !== undefined && age <= (refresh ? KEYS_COOLDOWN : KEYS_LIFETIME)) return known.set;
    try {
      return await this.#fetchedSoon();
    } catch (error) {
      if (known !== undefined && age <= KEYS_LIFETIME) return known.set;
      throw error;
    }
  }

  /** The fetch that is under way, or failed a moment ago; else a new one. */
  #fetchedSoon(): Promise<JSONWebKeySet> {
    const last = this.#fetch;
    if (last !== undefined && (last.failed !== true || this.#clock() - last.at < FAILURE_COOLDOWN)) return last.set;
    const at = this.#clock();
    const begun: KeyFetch = { at, set: this.#fetchKeys() };
    this.#fetch = begun;
    void this.#settle(begun);
    return begun.set;
  }

  async #settle(begun: KeyFetch): Promise<void> {
    try {
      this.#keys = { set: await begun.set, fetchedAt: begun.at };
      this.#fetch = undefined;
    } catch {
      begun.failed = true;
    }
  }

  #readUrl(text: string): URL {
    const url = new URL(text);
    const allowed = url.protocol === "https:" || (this.#address.allowHttp === true && url.protocol === "http:");
    if (!allowed || url.username !== "" || url.password !== "")
      throw new Error(`${text}: an https URL without user information is due`);
    return url;
  }

  async #fetchKeys(): Promise<JSONWebKeySet> {
    try {
      const base = this.#address.issuer.replace(/\/$/, "");
      const document = await this.#fetchJson(`${base}/.well-known/openid-configuration`);
      if (document["issuer"] !== this.#address.issuer) throw new Error("the discovery document names another issuer");
      const set = await this.#fetchJson(String(document["jwks_uri"]));
      if (!Array.isArray(set["keys"])) throw new Error("the key set has no keys");
      return { keys: set["keys"] as JSONWebKeySet["keys"] };
    } catch (cause) {
      throw new Problem("oidc-provider-unavailable", "The provider's keys cannot be fetched.", {
        path: "enrolment",
        retryAfter: 10,
        cause,
      });
    }
  }

  /** Only from the provider's own origins, only over TLS, never through a redirect. */
  async #fetchJson(text: string): Promise<Record<string, unknown>> {
    const url = this.#readUrl(text);
    if (!this.#origins.has(url.origin)) throw new Error(`${url.origin} is not among the provider's origins`);
    const response = await fetch(url, {
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT),
      headers: { accept: "application/json" },
    });
    if (!response.ok) throw new Error(`${text} answered ${response.status}`);
    let body = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      body += decoder.decode(chunk as Uint8Array, { stream: true });
      if (body.length > MAX_DOCUMENT) throw new Error(`${text} is too large`);
    }
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null) throw new Error(`${text} is no object`);
    return value as Record<string, unknown>;
  }
}
