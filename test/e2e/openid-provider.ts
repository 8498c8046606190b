import { createHash, type KeyObject, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { type Configuration, Provider } from "oidc-provider";

/** The client id of the app, and the resource its access tokens are for. */
export const CLIENT = "messenger";
export const RESOURCE = "urn:mls:authentication-service";
const REDIRECT = "https://app.example/callback";

/** An OpenID provider (oidc-provider) on loopback at which `account` is always signed in and consents to everything. */
export class OpenIdProvider {
  readonly issuer: string;
  readonly #server: Server;

  private constructor(server: Server, issuer: string) {
    this.#server = server;
    this.issuer = issuer;
  }

  static async start(account: () => string): Promise<OpenIdProvider> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const provider = new Provider(issuer, {
      ...configuration(),
      jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "ES256", use: "sig", kid: "provider" }] },
    });
    server.on("request", (request, response) => {
      const interaction = /^\/interaction\/([\w-]+)$/.exec(request.url ?? "");
      if (interaction === null) return void provider.callback()(request, response);
      void provider
        .interactionFinished(request, response, { login: { accountId: account() } })
        .catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    return new OpenIdProvider(server, issuer);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The authorization code flow with PKCE, as an app without a browser of its own would see it. */
  async tokens(nonce: string, proofKey?: ProofKey): Promise<{ idToken: string; accessToken: string }> {
    const verifier = randomBytes(32).toString("base64url");
    const authorization = new URL(`${this.issuer}/auth`);
    authorization.search = new URLSearchParams({
      client_id: CLIENT,
      response_type: "code",
      redirect_uri: REDIRECT,
      scope: "openid profile",
      resource: RESOURCE,
      nonce,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    }).toString();
    const code = await this.#follow(authorization);
    const answer = await fetch(`${this.issuer}/token`, {
      method: "POST",
      headers: proofKey === undefined ? {} : { dpop: await possessionProof(`${this.issuer}/token`, proofKey) },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        client_id: CLIENT,
        redirect_uri: REDIRECT,
        code,
        code_verifier: verifier,
      }),
    });
    const body = (await answer.json()) as { id_token?: string; access_token?: string };
    if (body.id_token === undefined || body.access_token === undefined) throw new Error(JSON.stringify(body));
    return { idToken: body.id_token, accessToken: body.access_token };
  }

  /** Follows redirects with cookies until one leads to the app, and reads the code there. */
  async #follow(start: URL): Promise<string> {
    const cookies = new Map<string, string>();
    let url = start;
    for (let step = 0; step < 10; step++) {
      const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
      const response = await fetch(url, { redirect: "manual", headers: { cookie } });
      for (const line of response.headers.getSetCookie()) {
        const [pair = ""] = line.split(";");
        const cut = pair.indexOf("=");
        cookies.set(pair.slice(0, cut), pair.slice(cut + 1));
      }
      const location = response.headers.get("location");
      if (location === null) throw new Error(`${url.pathname}: ${response.status} ${await response.text()}`);
      url = new URL(location, url);
      if (url.href.startsWith(REDIRECT)) {
        const code = url.searchParams.get("code");
        if (code === null) throw new Error(url.search);
        return code;
      }
    }
    throw new Error("the redirects do not end");
  }
}

/** A key pair whose possession is shown to the provider, so that it binds the access token to it. */
export interface ProofKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** RFC 9449, "DPoP Proof JWT Syntax". */
async function possessionProof(url: string, { privateKey, publicKey }: ProofKey): Promise<string> {
  return await new SignJWT({ htm: "POST", htu: url, jti: randomBytes(16).toString("base64url") })
    .setProtectedHeader({ typ: "dpop+jwt", alg: "Ed25519", jwk: await exportJWK(publicKey) })
    .setIssuedAt()
    .sign(privateKey);
}

function configuration(): Configuration {
  return {
    clients: [
      {
        client_id: CLIENT,
        token_endpoint_auth_method: "none",
        redirect_uris: [REDIRECT],
        grant_types: ["authorization_code"],
        response_types: ["code"],
        id_token_signed_response_alg: "ES256",
      },
    ],
    cookies: { keys: [randomBytes(16).toString("hex")] },
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], profile: ["preferred_username"] },
    enabledJWA: { dPoPSigningAlgValues: ["Ed25519", "ES256"], idTokenSigningAlgValues: ["ES256"] },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: "",
          audience: RESOURCE,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "ES256" } },
        }),
        useGrantedResource: () => true,
      },
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    extraTokenClaims: (_context, token) => ("accountId" in token ? { preferred_username: token.accountId } : {}),
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id }),
    }),
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({
        clientId: CLIENT,
        ...(context.oidc.session?.accountId === undefined ? {} : { accountId: context.oidc.session.accountId }),
      });
      grant.addOIDCScope("openid profile");
      await grant.save();
      return grant;
    },
  };
}
