import type { Hono } from "hono";

export interface Environment {
  Variables: { requestId: string };
}

/** The application that the routes are added to. */
export type LogApp = Hono<Environment>;
