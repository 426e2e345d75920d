// SPDX-License-Identifier: MIT
import { type ByteState, Copy, copyOf, isStale, withCopy } from "./byte-state.ts";
import { besides, dropped, filled, followedBy, noChoices, type Passage } from "./passage.ts";
import type { Domain } from "./topology.ts";

/**
 * What happens to a bounce slot and nothing else: `copy-in` and `copy-out`, both by the CPU and through its caches at
 * either end, and `release`, after which the slot holds something else.
 */
export type CopyKind = "copy-in" | "copy-out" | "release";

/** How the CPU gets at a bounce slot, as the machines use it. */
export interface BouncePath {
  /** The domain through which it reads and writes the original. */
  readonly cpu: Domain;
  /** The domain through which it reads and writes the slot; the slot itself where the device sees what the CPU does. */
  readonly view: Domain;
}

const only = (state: ByteState): readonly Passage[] => [{ state, choices: noChoices }];

/** A slot that was not in use holds what was left there, which is older than anything. */
const assigned = (state: ByteState, slot: Domain): ByteState =>
  copyOf(state, slot) === Copy.absent ? withCopy(state, slot, Copy.cleanStale) : state;

/** The line of a domain is there and dirty, and holds what another domain has: the same value, be it the newest or not. */
const copied = (state: ByteState, from: Domain, to: Domain): ByteState =>
  withCopy(state, to, isStale(copyOf(state, from)) ? Copy.dirtyStale : Copy.dirtyFresh);

/** Neither the slot nor any cache over it holds the byte any more. */
function released(state: ByteState, slot: Domain): ByteState {
  let next = dropped(state, slot);
  for (let at: Domain | null = (slot.bounce as BouncePath).view; at !== null; at = at.behind)
    next = dropped(next, at);
  return next;
}

/** What a copy does to a byte in its range: a value moves, and becomes neither newer nor older by it. */
export function slotCopied(kind: CopyKind, state: ByteState, slot: Domain): readonly Passage[] {
  const { cpu, view } = slot.bounce as BouncePath;
  if (kind === "release") return only(released(state, slot));
  if (kind === "copy-in") {
    const read = filled(assigned(state, slot), cpu);
    const both = followedBy(read, (before) => filled(before, view));
    return both.map((each) => ({ ...each, state: copied(each.state, cpu, view) }));
  }
  if (copyOf(state, slot) === Copy.absent) return only(state);
  const both = followedBy(filled(state, view), (before) => filled(before, cpu));
  return both.map((each) => ({ ...each, state: copied(each.state, view, cpu) }));
}

/** What it does to another byte of a line that it touches: the line is filled at both ends, and dirty where it is written. */
export function besideSlotCopy(kind: CopyKind, state: ByteState, slot: Domain): readonly Passage[] {
  if (kind === "release") return only(state);
  const { cpu, view } = slot.bounce as BouncePath;
  const [from, to] = kind === "copy-in" ? [cpu, view] : [view, cpu];
  const both = followedBy(filled(state, from), (before) => filled(before, to));
  return both.map((each) => ({ ...each, state: besides(each.state, to) }));
}
