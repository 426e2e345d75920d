// SPDX-License-Identifier: MIT
import type { CoreServices } from "@dmabuf/core";
import type { Route } from "@dmabuf/core/coherency";
import type { CacheLevel } from "./cache-level.ts";
import type { I915Options } from "./i915-options.ts";

/** What the driver knows about its machine, with the defaults filled in. @see struct intel_device_info */
export class Machine {
  readonly llc: boolean;
  readonly discrete: boolean;
  readonly bypassesLlc: boolean;
  /** Whether the GPU sees what the CPUs have cached whatever the level: with an LLC, and on the card that always snoops. */
  readonly snoopsAlways: boolean;
  readonly graphicsVersion: number;
  /** The levels that there are, the default first. */
  readonly levels: readonly CacheLevel[];
  /** What user space gets that asks for a cached object: null where there is nothing of the kind (N-6). */
  readonly cachedLevel: CacheLevel | null;
  /** What the display can scan, since it never snoops (N-8). */
  readonly displayLevel: CacheLevel;
  /** The way of the display's accesses, and of all to memory that no cache holds. */
  readonly direct: Route;
  readonly #routes: ReadonlyMap<CacheLevel, Route>;

  /** From checked options. */
  constructor(services: CoreServices, options: I915Options) {
    const { llc, levels, discrete = false, bypassesLlc = false, graphicsVersion = 9 } = options;
    this.llc = llc;
    this.discrete = discrete;
    this.bypassesLlc = bypassesLlc;
    this.snoopsAlways = llc || levels.none !== "direct";
    this.graphicsVersion = graphicsVersion;
    const routes = new Map<CacheLevel, Route>();
    for (const level of ["none", "llc", "wt", "snooped"] as const) {
      const port = levels[level];
      if (port !== undefined) routes.set(level, services.route(port));
    }
    this.#routes = routes;
    const first = options.defaultLevel ?? (routes.has("llc") ? "llc" : "none");
    this.levels = [first, ...[...routes.keys()].filter((level) => level !== first)];
    this.cachedLevel = routes.has("llc") ? "llc" : routes.has("snooped") ? "snooped" : null;
    this.displayLevel = routes.has("wt") ? "wt" : "none";
    this.direct = services.route("direct");
  }

  /** The level of an object that nobody chose one for. */
  get defaultLevel(): CacheLevel {
    return this.levels[0] as CacheLevel;
  }

  /** How the GPU's accesses under a level reach memory. */
  route(level: CacheLevel): Route {
    return this.#routes.get(level) as Route;
  }
}
