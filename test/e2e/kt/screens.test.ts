import { expect, test } from "vitest";
import { readPage, screens, withScreens } from "./screens.js";

test("the screens in docs/kt.md are what the commands print", async () => {
  const page = await readPage();
  const made = await screens();
  expect(Object.keys(made).filter((name) => !page.includes(`<!-- screen: ${name} -->`))).toEqual([]);
  expect(page).toBe(withScreens(page, made));
});
