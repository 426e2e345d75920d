// SPDX-License-Identifier: MIT

/** Edits (insert, delete, replace, swap neighbours) that turn one word into the other. */
function distance(from: string, to: string): number {
  const rows = Array.from({ length: from.length + 1 }, (_, i) => [
    i,
    ...new Array<number>(to.length).fill(0),
  ]);
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let j = 0; j <= to.length; j++) (rows[0] as number[])[j] = j;
  for (let i = 1; i <= from.length; i++) {
    for (let j = 1; j <= to.length; j++) {
      const differs = from[i - 1] === to[j - 1] ? 0 : 1;
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + differs);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        best = Math.min(best, at(i - 2, j - 2) + 1);
      }
      (rows[i] as number[])[j] = best;
    }
  }
  return at(from.length, to.length);
}

/**
 * The end of an error line about an unknown name: `; did you mean "usb0"?` when one of the known names is close,
 * else `; known: a, b, c`, else nothing when there are none. The name is quoted as far as it is reasonable to read.
 */
export function nearestName(name: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const word = name.slice(0, 64).toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, edits: distance(word, candidate.slice(0, 64).toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const nearest = ranked[0] as { candidate: string; edits: number };
  const close = nearest.edits <= Math.max(1, Math.floor(nearest.candidate.length / 2.5));
  return close ? `; did you mean "${nearest.candidate}"?` : `; known: ${known.slice(0, 24).join(", ")}`;
}
