// SPDX-License-Identifier: MIT
import { isStacked } from "../../coherency/domain-stack.ts";
import { isCopy, type Operation } from "../../coherency/operation.ts";
import type { TransitionTable } from "../../coherency/transition-table.ts";

/** How bad it is when nothing orders two touches of a byte. */
export const Order = {
  /** They do not conflict. */
  free: 0,
  /** False sharing among caches that hardware keeps coherent: no harm unless maintenance or somebody else meets the line. */
  shared: 1,
  /** They race. */
  owed: 2,
} as const;

/** One of {@link Order}. */
export type Order = (typeof Order)[keyof typeof Order];

/**
 * What the order of two touches of one byte matters, by their columns in the transition table: an operation, in range or
 * as a neighbour in a touched line. The rules are those of litmus programs, a byte at a time.
 */
export class TouchClasses {
  readonly #operations: readonly Operation[];
  readonly #count: number;
  readonly #orders: Uint8Array;
  readonly #covers: Uint8Array;

  constructor(table: TransitionTable) {
    this.#operations = table.operations.operations;
    const count = this.#operations.length * 2;
    this.#count = count;
    this.#orders = new Uint8Array(count * count);
    this.#covers = new Uint8Array(count * count);
    for (let a = 0; a < count; a++)
      for (let b = 0; b < count; b++) this.#orders[a * count + b] = this.#order(a, b);
    for (let a = 0; a < count; a++)
      for (let b = 0; b < count; b++) this.#covers[a * count + b] = this.#cover(a, b);
  }

  /** How much the order of two touches matters. */
  order(a: number, b: number): Order {
    return this.#orders[a * this.#count + b] as Order;
  }

  /** Whether whatever conflicts with `old` conflicts with `later` too, so that `old` may be forgotten when it comes first. */
  covers(later: number, old: number): boolean {
    return this.#covers[later * this.#count + old] === 1;
  }

  #order(a: number, b: number): Order {
    const first = this.#operations[a >>> 1] as Operation;
    const second = this.#operations[b >>> 1] as Operation;
    // What goes straight to memory has no lines, so it has no neighbours either.
    if ((a % 2 === 1 && first.domain === null) || (b % 2 === 1 && second.domain === null)) return Order.free;
    const common = commonPlace(first, second);
    if (!common && (a % 2 === 1 || b % 2 === 1)) return Order.free;
    if (!common && (first.route === null || second.route === null)) return Order.free;
    if (first.route !== null && second.route !== null) {
      if (readsIn(first, second) && readsIn(second, first)) return Order.free;
      if (a % 2 === 0 && b % 2 === 0) return Order.owed;
      if (first.domain !== second.domain) return Order.owed;
      const cached = first.route.kind === "cached" && second.route.kind === "cached";
      return first.domain === null || cached ? Order.free : Order.shared;
    }
    if (first.route === null && second.route === null) {
      const cleans = first.kind === "clean" && second.kind === "clean";
      if (cleans && !isStacked(first.domain, second.domain)) return Order.free;
      const alike = (first.kind === "invalidate") === (second.kind === "invalidate");
      return first.domain === second.domain && alike ? Order.free : Order.owed;
    }
    const [access, maintenance] = first.route === null ? [second, first] : [first, second];
    const harmless =
      maintenance.kind === "clean" &&
      access.kind === "read" &&
      access.route?.kind === "cached" &&
      access.domain === maintenance.domain;
    return harmless ? Order.free : Order.owed;
  }

  #cover(later: number, old: number): 0 | 1 {
    for (let other = 0; other < this.#count; other++)
      if (this.order(old, other) > this.order(later, other)) return 0;
    return 1;
  }
}

/** Whether two operations meet in the same lines: those of memory, or those of the same bounce slot. A copy is at both. */
function commonPlace(first: Operation, second: Operation): boolean {
  const slot = (operation: Operation) => operation.domain?.slot ?? null;
  if (slot(first) === slot(second)) return true;
  return (isCopy(first) && slot(second) === null) || (isCopy(second) && slot(first) === null);
}

/** Whether an operation only reads where another one is: a copy into a slot reads everywhere else. */
function readsIn(operation: Operation, other: Operation): boolean {
  if (operation.kind === "read") return true;
  return operation.kind === "copy-in" && other.domain?.slot !== operation.domain.slot;
}
