// SPDX-License-Identifier: MIT

/**
 * The stale reads of `shown` that are not within `found`. Both are runs of lines, [frame, reader, first physical line,
 * lines], in any order.
 */
export function missedStaleReads(shown, found) {
  const byPass = new Map();
  for (const [frame, reader, first, lines] of found) {
    const pass = `${frame} ${reader}`;
    if (!byPass.has(pass)) byPass.set(pass, []);
    byPass.get(pass).push([first, first + lines]);
  }
  for (const ranges of byPass.values()) ranges.sort((a, b) => a[0] - b[0]);
  return shown.filter(([frame, reader, first, lines]) => {
    let covered = first;
    for (const [start, end] of byPass.get(`${frame} ${reader}`) ?? []) {
      if (start > covered) break;
      covered = Math.max(covered, end);
    }
    return covered < first + lines;
  });
}
