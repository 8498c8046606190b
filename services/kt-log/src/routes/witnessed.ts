import { encodeWitnessedHeads } from "@mls-as/keytrans/witness";
import type { LogApp } from "./log-app.js";
import type { Context } from "../context.js";
import { Problem } from "../problem.js";
import { parseTilePath, readTile } from "../witnessing/tiles.js";
import type { SignedCheckpoint } from "../witnessing/witness-state.js";
import type { Witnessing } from "../witnessing/witnessing.js";
import type { Admission } from "./admission.js";
import { binary, queryNumber } from "./binary.js";

const MOST_POSITIONS = 256;

/** The parallel C2SP log, and what clients need of it in one request. */
export function witnessedRoutes(app: LogApp, context: Context, admission: Admission): void {
  const { store, config } = context;
  const witnessing = (): Witnessing => {
    if (context.witnessing === undefined) throw new Problem("witnessing-off");
    return context.witnessing;
  };

  /** The newest checkpoint of at least `size` leaves with a quorum; failing open, one without. */
  const checkpointOf = async (size: number): Promise<SignedCheckpoint> => {
    const { quorum, newest } = await witnessing().checkpoints();
    if (quorum !== undefined && quorum.size >= size) return quorum;
    if (config.witnessFailure === "open" && newest !== undefined && newest.size >= size) return newest;
    const retryAfter = Math.max(1, Math.ceil(config.witnessIntervalSeconds));
    throw new Problem("not-witnessed", undefined, { retryAfter, section: "C2SP tlog-witness" });
  };

  app.get("/checkpoint", async (c) => {
    admission.count(c);
    const { note } = await checkpointOf(0);
    return c.text(note, 200, { "cache-control": "no-cache", "content-type": "text/plain; charset=utf-8" });
  });

  app.get("/tile/*", async (c) => {
    admission.count(c);
    const size = (await witnessing().checkpoints()).newest?.size ?? 0;
    const tile = parseTilePath(c.req.path.slice("/tile/".length));
    const bytes = tile === undefined ? undefined : await readTile(store, tile, size);
    if (bytes === undefined) throw new Problem("not-found", "no checkpoint has such a tile");
    return binary(bytes, "public, max-age=31536000, immutable");
  });

  app.get("/v1/witnessed-heads", async (c) => {
    admission.count(c);
    const asked = c.req.queries("position") ?? [];
    if (asked.length === 0 || asked.length > MOST_POSITIONS)
      throw new Problem("malformed", `position is given 1 to ${MOST_POSITIONS} times`, { path: "position" });
    const positions = asked.map((text) => queryNumber(text, "position", { low: 0, high: Number.MAX_SAFE_INTEGER - 1 }));
    const { note, size } = await checkpointOf(Math.max(...positions) + 1);
    const heads = [];
    for (const position of positions) heads.push({ position, inclusion: await witnessing().inclusion(position, size) });
    return binary(encodeWitnessedHeads({ checkpoint: note, heads }));
  });
}
