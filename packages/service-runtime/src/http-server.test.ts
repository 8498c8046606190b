import { expect, test } from "vitest";
import { ConfigurationError } from "./configuration-error.js";
import { listen } from "./http-server.js";

test("closing answers what is under way and takes nothing more", async () => {
  let arrived: () => void = () => undefined;
  let release: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    fetch: async () => {
      arrived();
      await held;
      return new Response("done");
    },
  });
  const answer = fetch(server.url);
  await started;
  const closed = server.close(60_000);
  await expect(fetch(server.url)).rejects.toThrow();
  release();
  expect(await (await answer).text()).toBe("done");
  await closed;
  await server.close();
});

test("a request that never ends is cut off when patience does", async () => {
  let arrived: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    fetch: () => {
      arrived();
      return new Promise<Response>(() => undefined);
    },
  });
  const answer = fetch(server.url).then(
    () => "answered",
    () => "cut",
  );
  await started;
  await server.close(10);
  expect(await answer).toBe("cut");
});

test("a taken port is the operator's to change", async () => {
  const fetch = (): Response => new Response("");
  const first = await listen({ host: "127.0.0.1", port: 0, fetch });
  const port = Number(new URL(first.url).port);
  await expect(listen({ host: "127.0.0.1", port, fetch })).rejects.toThrow(ConfigurationError);
  await first.close();
});
