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

/** The keys of an OpenID provider: found by discovery, kept, and fetched again when they rotate. */
export class ProviderKeys {
  readonly #address: ProviderAddress;
  readonly #origins: ReadonlySet<string>;
  readonly #clock: () => number;
  #keys: { readonly set: Promise<JSONWebKeySet>; readonly fetchedAt: number } | undefined;

  /** @throws Error when the issuer or an origin is not an acceptable URL */
  constructor(address: ProviderAddress, clock: () => number) {
    this.#address = address;
    this.#clock = clock;
    const origins = [address.issuer, ...(address.keyOrigins ?? [])].map((text) => this.#readUrl(text).origin);
    this.#origins = new Set(origins);
  }

  /**
   * The key set; with `refresh` a newer one, unless the last is only seconds old.
   *
   * @throws Problem `oidc-provider-unavailable`
   */
  async current(refresh: boolean): Promise<JSONWebKeySet> {
    const age = this.#keys === undefined ? Number.POSITIVE_INFINITY : this.#clock() - this.#keys.fetchedAt;
    if (this.#keys === undefined || age > KEYS_LIFETIME || (refresh && age > KEYS_COOLDOWN)) {
      const set = this.#fetchKeys();
      this.#keys = { set, fetchedAt: this.#clock() };
      set.catch(() => {
        this.#keys = undefined;
      });
    }
    return await this.#keys.set;
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
