import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes a file so that after a crash it is either wholly there or not at all: written beside, synced, renamed. */
export async function writeDurably(path: string, content: string, mode: number): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  const file = await open(draft, "w", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
