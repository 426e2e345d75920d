// SPDX-License-Identifier: MIT
import type { Domain } from "./topology.ts";

/**
 * What one byte is in, as one number: bit 0 says whether memory is stale, then one base-5 digit a domain.
 * Only freshness matters: a copy holds the newest value (fresh) or it does not (stale), and a stale one never
 * becomes fresh again.
 */
export type ByteState = number;

/** A domain's copy of a byte. */
export const Copy = { absent: 0, cleanFresh: 1, cleanStale: 2, dirtyFresh: 3, dirtyStale: 4 } as const;
/** One of the five values of {@link Copy}. */
export type Copy = (typeof Copy)[keyof typeof Copy];

const names = ["absent", "clean-fresh", "clean-stale", "dirty-fresh", "dirty-stale"] as const;

/** Memory holds the newest value, no domain holds a copy. */
export const initialByteState: ByteState = 0;

const place = (domain: Domain): number => 2 * 5 ** domain.index;

/** Number of byte states over `domains` domains: 2 x 5^n. */
export const byteStateCount = (domains: number): number => 2 * 5 ** domains;

/** Whether memory is stale. */
export const memoryStale = (state: ByteState): boolean => state % 2 === 1;

/** The domain's copy. */
export const copyOf = (state: ByteState, domain: Domain): Copy =>
  (Math.floor(state / place(domain)) % 5) as Copy;

/** The state with the domain's copy replaced. */
export const withCopy = (state: ByteState, domain: Domain, copy: Copy): ByteState =>
  state + (copy - copyOf(state, domain)) * place(domain);

/** The state with memory's freshness replaced. */
export const withMemory = (state: ByteState, stale: boolean): ByteState =>
  state - (state % 2) + (stale ? 1 : 0);

/** Whether a copy holds an older value. */
export const isStale = (copy: Copy): boolean => copy === Copy.cleanStale || copy === Copy.dirtyStale;

/** Whether a copy holds the newest value. */
export const isFresh = (copy: Copy): boolean => copy === Copy.cleanFresh || copy === Copy.dirtyFresh;

/** Whether a copy still has to be written back. */
export const isDirty = (copy: Copy): boolean => copy >= Copy.dirtyFresh;

/** The copy after its line was written back and kept. */
export const cleaned = (copy: Copy): Copy =>
  copy === Copy.dirtyFresh ? Copy.cleanFresh : copy === Copy.dirtyStale ? Copy.cleanStale : copy;

/** The copy after another byte of its line was written: dirty, its value unchanged. */
export const dirtied = (copy: Copy): Copy =>
  copy === Copy.cleanFresh ? Copy.dirtyFresh : copy === Copy.cleanStale ? Copy.dirtyStale : copy;

/** Whether the newest value exists nowhere: memory and every copy are stale or absent. */
export function isLost(state: ByteState, domains: readonly Domain[]): boolean {
  return memoryStale(state) && !domains.some((domain) => isFresh(copyOf(state, domain)));
}

/** Every copy but the one of `writer` becomes stale, memory as told: what a write does to the rest of the system. */
export function superseded(
  state: ByteState,
  domains: readonly Domain[],
  memoryIsStale: boolean,
  writer: Domain | null,
): ByteState {
  let next = withMemory(state, memoryIsStale);
  for (const domain of domains) {
    if (domain === writer) continue;
    const copy = copyOf(next, domain);
    if (copy === Copy.cleanFresh) next = withCopy(next, domain, Copy.cleanStale);
    else if (copy === Copy.dirtyFresh) next = withCopy(next, domain, Copy.dirtyStale);
  }
  return next;
}

/** The state in words, for example `memory stale, cpu dirty-fresh`. */
export function describeByteState(state: ByteState, domains: readonly Domain[]): string {
  const copies = domains.map((domain) => `${domain.name} ${names[copyOf(state, domain)]}`);
  return [`memory ${memoryStale(state) ? "stale" : "fresh"}`, ...copies].join(", ");
}
