// SPDX-License-Identifier: MIT
import type { HeldLock } from "./held-lock.ts";

/**
 * One class was held when the other was taken; `stack` is what was held then, oldest first, and what was taken, and empty
 * for what Linux teaches at boot.
 */
export interface LockEdge {
  readonly held: string;
  readonly taken: string;
  readonly stack: readonly HeldLock[];
}

/**
 * Which class was held when which was taken, over all tasks and the whole run. A circle in it is a deadlock that only
 * needs the right moment, whether it came in this run or not.
 */
export class LockGraph {
  readonly #edges = new Map<string, Map<string, LockEdge>>();

  /** @param order classes from the outermost to the innermost that are ordered from the beginning. */
  constructor(order: readonly string[]) {
    order.forEach((held, i) => {
      const taken = order[i + 1];
      if (taken !== undefined) this.#set({ held, taken, stack: [] });
    });
  }

  /** Whether this edge would say nothing new. One that was only taught is new when it is seen. */
  knows(held: string, taken: string): boolean {
    return (this.#edges.get(held)?.get(taken)?.stack.length ?? 0) > 0;
  }

  /** Notes that a known edge was seen again: the last time is what is told, because there it may have hung. */
  see(edge: LockEdge): void {
    this.#set(edge);
  }

  /**
   * Adds an edge, and returns the shortest way back from `taken` to `held`, which with the edge makes the circle; null
   * when there is none. The edge of a circle is not added, so that each is found at its own edge.
   */
  add(edge: LockEdge): readonly LockEdge[] | null {
    const back = edge.held === edge.taken ? [] : this.path(edge.taken, edge.held);
    if (back === null) this.#set(edge);
    return back;
  }

  /** The shortest way from one class to another, edge by edge, or null. */
  path(from: string, to: string): readonly LockEdge[] | null {
    const came = new Map<string, LockEdge>();
    const queue = [from];
    for (const at of queue) {
      for (const edge of this.#edges.get(at)?.values() ?? []) {
        if (edge.taken === from || came.has(edge.taken)) continue;
        came.set(edge.taken, edge);
        if (edge.taken === to) return this.#walk(came, from, to);
        queue.push(edge.taken);
      }
    }
    return null;
  }

  #walk(came: ReadonlyMap<string, LockEdge>, from: string, to: string): LockEdge[] {
    const way: LockEdge[] = [];
    for (let at = to; at !== from; ) {
      const edge = came.get(at) as LockEdge;
      way.unshift(edge);
      at = edge.held;
    }
    return way;
  }

  #set(edge: LockEdge): void {
    const edges = this.#edges.get(edge.held) ?? new Map<string, LockEdge>();
    this.#edges.set(edge.held, edges);
    edges.set(edge.taken, edge);
  }
}
