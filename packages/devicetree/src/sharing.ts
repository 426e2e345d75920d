// SPDX-License-Identifier: MIT
import type { DmaWindow } from "./dma-range.ts";
import { hex } from "./fault.ts";
import type { MemoryRange } from "./reserve-map.ts";

/**
 * What sharing memory between two masters takes: nothing; maintenance of the CPU's caches in between; a buffer placed
 * where both reach, else copies; it cannot be done; or the blob does not say enough.
 */
export type ShareVerdict = "direct" | "maintenance" | "bounce" | "impossible" | "unknown";

/** One entry of the share matrix: `from` writes a buffer in RAM, `to` reads it. */
export interface Sharing {
  /** Path of the producer. */
  readonly from: string;
  /** Path of the consumer. */
  readonly to: string;
  readonly verdict: ShareVerdict;
  /** The reasons, at least one, in words. */
  readonly why: readonly string[];
}

/** What the share matrix needs to know of a master. */
export interface Sharer {
  readonly path: string;
  readonly coherent: boolean;
  /** Whether an IOMMU translates all that it does, so that any RAM can appear where it reaches. */
  readonly translated: boolean;
  /** Its windows onto the CPU's addresses; null when nothing limits it. Masters of one bus share the object. */
  readonly windows: readonly DmaWindow[] | null;
  /** The reserved region that all its DMA is copied through; null for almost every master. */
  readonly restrictedTo: string | null;
  /** Whether what it writes may stay in a CPU's cache; left out when nobody says, as no device tree does. */
  readonly allocates?: boolean;
}

/** Ranges sorted by base, overlapping and touching ones joined. */
function normalised(ranges: readonly MemoryRange[]): MemoryRange[] {
  const joined: MemoryRange[] = [];
  for (const { base, size } of ranges.filter((range) => range.size > 0).sort((a, b) => a.base - b.base)) {
    const last = joined.at(-1);
    if (last === undefined || last.base + last.size < base) joined.push({ base, size });
    else joined[joined.length - 1] = { base: last.base, size: Math.max(last.size, base + size - last.base) };
  }
  return joined;
}

/** What two normalised lists have in common. */
function common(a: readonly MemoryRange[], b: readonly MemoryRange[]): MemoryRange[] {
  const found: MemoryRange[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const one = a[i] as MemoryRange;
    const other = b[j] as MemoryRange;
    const base = Math.max(one.base, other.base);
    const end = Math.min(one.base + one.size, other.base + other.size);
    if (base < end) found.push({ base, size: end - base });
    if (one.base + one.size < other.base + other.size) i++;
    else j++;
  }
  return found;
}

const bytesIn = (ranges: readonly MemoryRange[]): number => ranges.reduce((sum, { size }) => sum + size, 0);

/** Where a master reaches by its own addresses; null where nothing limits it. */
interface Reach {
  readonly ranges: readonly MemoryRange[] | null;
  /** Whether RAM is known and part of it is out of reach. */
  readonly short: boolean;
  /** The lowest address of RAM that is out of reach. */
  readonly missing: number;
}

function reachOf(windows: readonly DmaWindow[] | null, ram: readonly MemoryRange[]): Reach {
  if (windows === null) return { ranges: null, short: false, missing: 0 };
  const ranges = normalised(windows.map(({ cpu, size }) => ({ base: cpu, size })));
  const reached = common(ranges, ram);
  const short = bytesIn(reached) < bytesIn(ram);
  let missing = 0;
  if (short) {
    const whole = ram.findIndex((range) => bytesIn(common([range], reached)) < range.size);
    const gap = ram[whole] as MemoryRange;
    const first = common([gap], reached)[0];
    missing = first !== undefined && first.base === gap.base ? first.base + first.size : gap.base;
  }
  return { ranges: ram.length > 0 ? reached : ranges, short, missing };
}

/** What the coherency of the two asks for. @see COHERENCY: snoop, direct and allocating routes */
function coherencyOf(from: Sharer, to: Sharer): { verdict: "direct" | "maintenance"; why: string } {
  if (from.coherent && to.coherent) return { verdict: "direct", why: bothCoherent };
  if (!from.coherent && !to.coherent) return { verdict: "direct", why: neitherCoherent };
  if (!from.coherent) return { verdict: "maintenance", why: coherentReader };
  if (from.allocates === false) return { verdict: "direct", why: snoopingWriter };
  return { verdict: "maintenance", why: from.allocates === true ? allocatingWriter : coherentWriter };
}

const bothCoherent = "both snoop the CPU's caches";
const neitherCoherent = "both bypass the CPU's caches: memory is where they meet";
const coherentReader =
  "the writer bypasses the CPU's caches and the reader snoops them: stale lines have to be invalidated in between";
const snoopingWriter =
  "the writer snoops the CPU's caches and its port keeps nothing there: what it writes is in memory, where the reader looks";
const allocatingWriter =
  "the writer's port may leave the data in a CPU's cache, past which the reader looks: it has to be cleaned";
const coherentWriter =
  "the writer snoops the CPU's caches and the reader bypasses them: its port may leave the data in a cache, which then has to be cleaned; the device tree does not say whether it does";

type Reason = { readonly verdict: ShareVerdict; readonly why: readonly string[] };

/** What the addresses of the two ask for, or null when they ask for nothing. */
function placement(pair: readonly { sharer: Sharer; reach: Reach }[], ramIsKnown: boolean): Reason | null {
  const limited = pair.filter(({ sharer, reach }) => !sharer.translated && reach.ranges !== null);
  const [one, other] = limited;
  for (const { sharer, reach } of limited)
    if (reach.ranges?.length === 0)
      return {
        verdict: "impossible",
        why: [`no window of ${sharer.path} shows any RAM, and no IOMMU translates for it`],
      };
  if (one?.reach.ranges && other?.reach.ranges && common(one.reach.ranges, other.reach.ranges).length === 0)
    return {
      verdict: "impossible",
      why: [
        `the windows of ${one.sharer.path} and ${other.sharer.path} show no common RAM, and no IOMMU translates`,
      ],
    };
  const why = pair.flatMap(({ sharer }) =>
    sharer.restrictedTo === null || sharer.translated
      ? []
      : [`all DMA of ${sharer.path} is copied through ${sharer.restrictedTo}`],
  );
  for (const { sharer, reach } of limited)
    if (reach.short)
      why.push(
        `${sharer.path} does not reach RAM at ${hex(reach.missing)}: allocate where it does, or it bounces`,
      );
  if (why.length > 0) return { verdict: "bounce", why };
  if (ramIsKnown || limited.length === 0) return null;
  return {
    verdict: "unknown",
    why: limited.map(
      ({ sharer }) => `the blob gives no RAM, so whether ${sharer.path} reaches all of it is not known`,
    ),
  };
}

/**
 * What every ordered pair of `masters` takes to share memory, in their order, a pure function of its arguments.
 * `ram` empty means that it is not known: what only a limit could forbid is then "unknown" instead of "direct".
 * Of several needs the verdict names the heaviest (impossible, bounce, maintenance); `why` names all of them.
 */
export function shareMatrix(masters: readonly Sharer[], ram: readonly MemoryRange[]): Sharing[] {
  const known = normalised(ram);
  const reaches = new Map<readonly DmaWindow[] | null, Reach>();
  const sharers = masters.map((sharer) => {
    const reach = reaches.get(sharer.windows) ?? reachOf(sharer.windows, known);
    reaches.set(sharer.windows, reach);
    return { sharer, reach };
  });
  return sharers.flatMap((from) =>
    sharers.flatMap((to): Sharing[] => {
      if (from === to) return [];
      const coherency = coherencyOf(from.sharer, to.sharer);
      const placed = placement([from, to], known.length > 0);
      const certain = placed?.verdict === "unknown" && coherency.verdict === "maintenance";
      const verdict = placed === null || certain ? coherency.verdict : placed.verdict;
      const why = [...(placed?.why ?? []), coherency.why];
      return [{ from: from.sharer.path, to: to.sharer.path, verdict, why }];
    }),
  );
}
