import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PageCache } from "./page-cache.js";
import { paginate, type PrefixPage, withoutNodes } from "./prefix-pages.js";

/** Pages of consecutive entries with so many nodes each; a node's octets tell its id. */
function pagesOf(entries: readonly number[]): PrefixPage[] {
  let next = 1;
  return entries.flatMap((count) =>
    paginate(Array.from({ length: count }, () => ({ id: next, bytes: new TextEncoder().encode(String(next++)) }))),
  );
}

const idOf = (node: Uint8Array | undefined): number | undefined => node && Number(new TextDecoder().decode(node));

test("every node of a page that was kept is found under its id, whatever the sizes of entries; no other is", () => {
  const entries = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(entries, fc.func(fc.boolean()), (counts, kept) => {
      const cache = new PageCache(2 ** 24);
      const pages = pagesOf(counts);
      const held = pages.filter(({ first }) => kept(first));
      for (const page of [...held, ...held]) cache.set(page);
      const heldIds = new Set<number>();
      for (const { first } of held) {
        const end = pages.find((page) => page.first > first)?.first ?? counts.reduce((a, b) => a + b, 1);
        for (let id = first; id < end; id++) heldIds.add(id);
      }
      const last = counts.reduce((a, b) => a + b, 0);
      for (let id = 0; id <= last + 30; id++) expect(idOf(cache.get(id))).toBe(heldIds.has(id) ? id : undefined);
      expect(cache.hits).toBe(heldIds.size);
      expect(cache.misses).toBe(last + 31 - heldIds.size);
    }),
  );
});

test("memory is bounded, what is used stays and what is not goes", () => {
  const [favourite, ...others] = pagesOf(Array.from({ length: 4000 }, () => 24)) as [PrefixPage, ...PrefixPage[]];
  const limit = 200 * ((others.at(-1) as PrefixPage).nodes.length + 400);
  const cache = new PageCache(limit);
  cache.set(favourite);
  for (const page of others) {
    cache.set(page);
    expect(idOf(cache.get(favourite.first))).toBe(favourite.first);
  }
  const left = [favourite, ...others].filter(({ first }) => cache.get(first) !== undefined);
  expect(left.length).toBeGreaterThan(90);
  expect(left.reduce((sum, { nodes }) => sum + nodes.length + 400, 0)).toBeLessThanOrEqual(limit);
  cache.clear();
  expect(cache.get(favourite.first)).toBeUndefined();
});

test("a page larger than the whole memory is kept until the next", () => {
  const [one, two] = pagesOf([24, 24]) as [PrefixPage, PrefixPage];
  const cache = new PageCache(1);
  cache.set(one);
  expect(idOf(cache.get(one.first))).toBe(one.first);
  cache.set(two);
  expect(idOf(cache.get(two.first + 23))).toBe(two.first + 23);
});

test("a pruned node is not found, its neighbours are", () => {
  const [page] = pagesOf([24]) as [PrefixPage];
  const cache = new PageCache(2 ** 20);
  cache.set(withoutNodes(page, new Set([page.first + 5])) as PrefixPage);
  expect(cache.get(page.first + 5)).toBeUndefined();
  expect(idOf(cache.get(page.first + 6))).toBe(page.first + 6);
});

test("a damaged page is refused", () => {
  expect(() => new PageCache(2 ** 20).set({ first: 1, nodes: Uint8Array.of(9, 1) })).toThrow(RangeError);
});
