// SPDX-License-Identifier: MIT
import type { Route } from "../../coherency/topology.ts";
import { Extents } from "../../memory/extents.ts";
import type { Reached } from "./dma-backend.ts";

/** What a device reaches, collected range by range: neighbours that take the same way are one part. */
export class ReachedParts {
  readonly #parts: { readonly route: Route; readonly pairs: number[] }[] = [];

  /** Adds the physical range [start, end). */
  add(route: Route, start: number, end: number): void {
    let part = this.#parts.at(-1);
    if (part?.route !== route) {
      part = { route, pairs: [] };
      this.#parts.push(part);
    }
    const { pairs } = part;
    if (pairs.at(-1) === start) pairs[pairs.length - 1] = end;
    else pairs.push(start, end);
  }

  /** All of it, in order. */
  get all(): readonly Reached[] {
    return this.#parts.map(({ route, pairs }) => ({ route, extents: new Extents(Float64Array.from(pairs)) }));
  }
}
