// SPDX-License-Identifier: MIT
import type { Extents } from "../memory/extents.ts";
import { lineCover, pairsContain } from "../memory/line-cover.ts";
import type { OperationTotal } from "./maintenance-cost.ts";
import type { Operation } from "./operation.ts";

/** How an operation touches one byte. */
export interface Touch {
  /** Index of the operation in the log. */
  readonly step: number;
  /** Column of the transition table: the operation, in range or as a neighbour. */
  readonly column: number;
}

/** The bytes in a line of the cache that an operation works through; 1 where it meets no cache. */
export const operationLine = (operation: Operation): number => operation.domain?.line ?? 1;

/**
 * What was done to memory, in order: one entry an operation whatever its size, in flat arrays. Witnesses, minimal
 * maintenance and needless maintenance are all computed from it afterwards, so that the run itself pays for none.
 */
export class OperationLog {
  #operations: Operation[] = [];
  #extents: Extents[] = [];
  #causes = new Float64Array(64);
  readonly #totals = new Map<number, OperationTotal>();

  /** Number of entries. */
  get length(): number {
    return this.#operations.length;
  }

  /** Appends an entry and returns its step. `cause` is the sequence number of the event behind it, or -1. */
  append(operation: Operation, extents: Extents, cause: number): number {
    const step = this.#operations.length;
    this.#operations.push(operation);
    this.#extents.push(extents);
    if (step === this.#causes.length) {
      const grown = new Float64Array(step * 2);
      grown.set(this.#causes);
      this.#causes = grown;
    }
    this.#causes[step] = cause;
    return step;
  }

  /** Says what a step comes to, where counting its lines does not tell. */
  charge(step: number, total: OperationTotal): void {
    this.#totals.set(step, total);
  }

  /** What a step was charged with, or null: then its lines tell. */
  total(step: number): OperationTotal | null {
    return this.#totals.get(step) ?? null;
  }

  /** The operation of a step. */
  operation(step: number): Operation {
    return this.#operations[step] as Operation;
  }

  /** The ranges of a step. */
  extents(step: number): Extents {
    return this.#extents[step] as Extents;
  }

  /** The event behind a step, or -1. */
  cause(step: number): number {
    return this.#causes[step] as number;
  }

  /** Every operation up to and including `last` that touches the byte or its line, ascending. */
  touching(address: number, last = this.length - 1): Touch[] {
    const touches: Touch[] = [];
    for (let step = 0; step <= last; step++) {
      const operation = this.operation(step);
      const cover = lineCover(this.extents(step), operationLine(operation));
      if (pairsContain(cover.inRange, address)) touches.push({ step, column: operation.index * 2 });
      else if (pairsContain(cover.neighbours, address))
        touches.push({ step, column: operation.index * 2 + 1 });
    }
    return touches;
  }
}
