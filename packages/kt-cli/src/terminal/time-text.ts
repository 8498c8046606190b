/** `2026-01-01 12:00:00Z`, from milliseconds. */
export function timeText(milliseconds: number): string {
  if (!Number.isFinite(milliseconds) || Math.abs(milliseconds) > 8.64e15) return "never";
  return new Date(milliseconds)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
}

/** `2026-01-01`, from seconds. */
export const dayText = (seconds: bigint | number): string => timeText(Number(seconds) * 1000).slice(0, 10);

/** `3 s`, `5 min`, `2 h 10 min`, `4 d 3 h`, from milliseconds. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** `1,234,567`. */
export const countText = (count: number): string => count.toLocaleString("en");
