import type { ProblemCode } from "../problem.js";

/** Who may call a route: everybody, whoever the access policy admits, the writer, or the auditor by its signature. */
export type RouteAccess = "everybody" | "search" | "monitor" | "writer" | "auditor";

export interface Route {
  readonly method: "GET" | "POST";
  /** As Hono writes it; what is matched below a folder is `*`. */
  readonly path: string;
  readonly summary: string;
  readonly access: RouteAccess;
  /** The structure of the request's body, by its name in the draft. */
  readonly request?: string;
  /** What a success carries. */
  readonly response: { readonly status: 200 | 201 | 204; readonly type?: string; readonly description: string };
  /** Query parameters with what they mean. */
  readonly query?: Readonly<Record<string, string>>;
  /** Refusals beyond those that every route has. */
  readonly problems: readonly ProblemCode[];
}

export const BINARY = "application/octet-stream";
const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

const LABEL: readonly ProblemCode[] = [
  "malformed",
  "unsupported-media-type",
  "unauthorized",
  "rate-limited",
  "invalid-last",
];
const LATE: readonly ProblemCode[] = ["auditor-late", "witnesses-late"];

function operation(
  path: string,
  access: RouteAccess,
  summary: string,
  request: string,
  response: string,
  problems: readonly ProblemCode[],
): Route {
  const success = { status: 200, type: BINARY, description: response } as const;
  return {
    method: "POST",
    path,
    access,
    summary,
    request,
    response: success,
    problems: [...LABEL, ...LATE, ...problems],
  };
}

/** Every route of the log, once: for the method check, metric labels, traces and OpenAPI. */
export const ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/configuration",
    access: "everybody",
    summary: "The log's configuration, as it signs it; it never changes",
    response: { status: 200, type: BINARY, description: "Configuration" },
    problems: [],
  },
  {
    method: "GET",
    path: "/v1/tree-head",
    access: "everybody",
    summary: "The newest tree head",
    response: { status: 200, type: BINARY, description: "TreeHead" },
    problems: ["empty-log"],
  },
  operation("/v1/search", "search", "Search a label", "SearchRequest", "SearchResponse", [
    "label-unknown",
    "version-unknown",
    "version-expired",
    "value-deleted",
  ]),
  operation(
    "/v1/distinguished",
    "everybody",
    "Walk the distinguished heads",
    "DistinguishedRequest",
    "DistinguishedResponse",
    [],
  ),
  operation("/v1/owner-init", "monitor", "Begin to own a label", "OwnerInitRequest", "OwnerInitResponse", [
    "invalid-start",
  ]),
  operation("/v1/owner-monitor", "monitor", "Monitor an own label", "OwnerMonitorRequest", "MonitorResponse", [
    "invalid-entries",
    "invalid-start",
    "stale-version",
  ]),
  operation(
    "/v1/contact-monitor",
    "monitor",
    "Monitor a contact's label; whoever shows the openings of all its versions (KT-Openings) may always",
    "ContactMonitorRequest",
    "MonitorResponse",
    ["label-unknown", "invalid-entries"],
  ),
  operation("/v1/credential", "search", "Make a credential of a label", "CredentialRequest", "Credential", [
    "label-unknown",
    "invalid-position",
    "value-deleted",
  ]),
  operation(
    "/v1/credential-update",
    "search",
    "Bring a credential up to date",
    "CredentialUpdateRequest",
    "CredentialUpdate",
    ["no-distinguished-head"],
  ),
  operation(
    "/v1/update",
    "writer",
    "Add versions to a label, durable before the answer; without values it only tells of later versions, and readers may",
    "UpdateRequest",
    "UpdateResponse; nothing (204) with Prefer: return=minimal",
    ["stale-version", "nothing-to-update", "too-many-values", "wrong-mode", "overloaded", "no-leader", "rolled-back"],
  ),
  operation(
    "/v1/manager-update",
    "writer",
    "Third-party management: add versions that the Service Operator signed",
    "ManagerUpdateRequest",
    "UpdateResponse",
    [
      "stale-version",
      "nothing-to-update",
      "invalid-update-signature",
      "wrong-mode",
      "overloaded",
      "no-leader",
      "rolled-back",
    ],
  ),
  {
    method: "GET",
    path: "/v1/witnessed-heads",
    access: "everybody",
    summary: "A cosigned checkpoint, and the inclusion proofs of entries in it",
    query: { position: "A log entry; repeated for several, at most 256" },
    response: { status: 200, type: BINARY, description: "WitnessedHeads (docs/operating-the-log.md)" },
    problems: ["malformed", "not-witnessed", "witnessing-off"],
  },
  {
    method: "GET",
    path: "/v1/auditor/updates",
    access: "everybody",
    summary: "What an auditor checks, an update for each log entry, kept until it is fetched and after",
    query: { start: "First log entry; default 0", limit: "Most updates, 1 to 1000; default 100" },
    response: {
      status: 200,
      type: BINARY,
      description: "opaque updates<0..2^16-1>, each AuditorUpdate with a 32-bit length",
    },
    problems: ["malformed"],
  },
  {
    method: "GET",
    path: "/v1/auditor/checkpoint",
    access: "everybody",
    summary: "The tree left of auditor_start_pos, from which the log's auditor begins; signed by the log",
    response: { status: 200, type: BINARY, description: "AuditorCheckpoint: TreeHead, LogEntry, InclusionProof" },
    problems: ["wrong-mode", "invalid-start", "invalid-position", "empty-log", "rolled-back", "signer-unavailable"],
  },
  {
    method: "POST",
    path: "/v1/auditor/tree-head",
    access: "auditor",
    summary: "The auditor's signed head; its signature is its authorisation",
    request: "AuditorTreeHead",
    response: { status: 204, description: "Users are shown it from now on" },
    problems: ["malformed", "unsupported-media-type", "wrong-mode", "invalid-auditor-head"],
  },
  {
    method: "POST",
    path: "/v1/nonces",
    access: "everybody",
    summary: "A nonce for a device-signed request",
    response: {
      status: 201,
      type: JSON_TYPE,
      description: "nonce, expiresAt (seconds since 1970); also in Replay-Nonce",
    },
    problems: [],
  },
  {
    method: "GET",
    path: "/checkpoint",
    access: "everybody",
    summary: "C2SP tlog-tiles: the newest checkpoint with a quorum of cosignatures",
    response: { status: 200, type: TEXT, description: "A signed note" },
    problems: ["not-witnessed", "witnessing-off"],
  },
  {
    method: "GET",
    path: "/tile/*",
    access: "everybody",
    summary: "C2SP tlog-tiles: <L>/<N>[.p/<W>] and entries/<N>[.p/<W>]",
    response: { status: 200, type: BINARY, description: "Hashes, or an entry bundle" },
    problems: ["witnessing-off"],
  },
  {
    method: "GET",
    path: "/healthz",
    access: "everybody",
    summary: "Whether the process answers",
    response: { status: 200, type: TEXT, description: "ok" },
    problems: [],
  },
  {
    method: "GET",
    path: "/readyz",
    access: "everybody",
    summary: "Whether readers get answers that they accept; 503 with the reasons when not",
    response: { status: 200, type: JSON_TYPE, description: "ready, reasons, treeSize, headAgeMilliseconds" },
    problems: [],
  },
  {
    method: "GET",
    path: "/metrics",
    access: "everybody",
    summary: "Metrics for Prometheus",
    response: { status: 200, type: TEXT, description: "Text exposition format" },
    problems: [],
  },
  {
    method: "GET",
    path: "/openapi.json",
    access: "everybody",
    summary: "This interface as OpenAPI 3.1",
    response: { status: 200, type: JSON_TYPE, description: "The document" },
    problems: [],
  },
  {
    method: "GET",
    path: "/docs",
    access: "everybody",
    summary: "This interface as a page",
    response: { status: 200, type: "text/html; charset=utf-8", description: "The page" },
    problems: [],
  },
];

const EXACT: ReadonlyMap<string, Route> = new Map(ROUTES.map((route) => [route.path, route]));

/** The route of a path, whatever the method. */
export function routeOf(path: string): Route | undefined {
  return EXACT.get(path) ?? (path.startsWith("/tile/") ? EXACT.get("/tile/*") : undefined);
}

/** The route's path as a metric label: one of a closed set. */
export const routeName = (path: string): string => routeOf(path)?.path ?? "other";
