// SPDX-License-Identifier: MIT
import { nearestName } from "../nearest-name.ts";
import type { BouncePath } from "./bounce-slot.ts";
import { slotProblem, stackProblem } from "./domain-stack.ts";

/** A coherency domain: a set of hardware-coherent caches seen as one cache. */
export interface DomainSpec {
  /** Bytes in a cache line: a power of two from 1 to 4096. */
  readonly line: number;
  /** Whether absent lines may be filled from memory at any time; default true, which suits CPUs. */
  readonly speculates?: boolean;
  /**
   * Whether lines may be written back and dropped at any time; default true. False is a bounce slot or a shadow copy,
   * whose fill and clean are the copies.
   */
  readonly evicts?: boolean;
  /**
   * Name of the domain that lies behind this one: its fills come from there and its write-backs go there. Left out,
   * that is memory. Maintenance of this domain does not reach the one behind it.
   */
  readonly behind?: string;
  /** Whether the domain also takes the clean lines that a domain in front of it drops; default false. */
  readonly exclusive?: boolean;
  /**
   * Makes the domain a bounce slot that holds copies of the original's bytes in memory of its own: only copies fill it and
   * empty it, and nothing lies behind it. It neither speculates nor evicts.
   */
  readonly bounce?: BounceSpec;
}

/** How the CPU gets at a bounce slot. */
export interface BounceSpec {
  /** Name of the domain through which it reads and writes the original. */
  readonly cpu: string;
  /**
   * Name of the domain through which it reads and writes the slot, which lies behind that one; left out for the slot
   * itself, where the device always sees what the CPU has of it. Lines are as long as those of `cpu`.
   */
  readonly view?: string;
}

/** How one access reaches memory. It belongs to the access: a mapping may override its agent's default. */
export type RouteSpec =
  | { readonly route: "cached"; readonly domain: string }
  | { readonly route: "snoop"; readonly domain: string; readonly writes?: "allocate" }
  | { readonly route: "direct" };

/** The domains of a machine and the default route of each agent. */
export interface TopologySpec {
  readonly domains: Readonly<Record<string, DomainSpec>>;
  readonly agents?: Readonly<Record<string, RouteSpec>>;
}

/** A domain as the machines use it: every default filled in, and its place in the byte state. */
export interface Domain {
  readonly index: number;
  readonly name: string;
  readonly line: number;
  readonly speculates: boolean;
  readonly evicts: boolean;
  /** The domain that lies behind this one, or null where that is memory. */
  readonly behind: Domain | null;
  readonly exclusive: boolean;
  /** How the CPU gets at the slot that this domain is; null for caches. */
  readonly bounce: BouncePath | null;
  /** The bounce slot that this domain is or that lies behind it; null for caches of memory. */
  readonly slot: Domain | null;
}

/** A route as the machines use it. `domain` is null exactly when `kind` is `"direct"`. */
export interface Route {
  readonly index: number;
  readonly kind: "cached" | "snoop" | "snoop-allocate" | "direct";
  readonly domain: Domain | null;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Every way in which an access of this topology can reach memory, and the domains it can meet on the way. */
export class Topology {
  readonly domains: readonly Domain[];
  /** All routes: direct first, then cached, snoop and snoop-allocate for each domain. */
  readonly routes: readonly Route[];
  readonly #agents = new Map<string, Route>();

  /**
   * Throws `TypeError` for a line that is no power of two in [1, 4096], for a route into an unknown domain, for
   * `behind` that names no other domain or makes a circle, for `exclusive` where nothing sits in front, and for a bounce
   * slot that is not as {@link BounceSpec} says.
   */
  constructor(spec: TopologySpec) {
    const domains = Object.entries(spec.domains).map(
      ([name, { line, speculates, evicts, exclusive = false, bounce }], index) => {
        if (!(line >= 1 && line <= 4096 && Number.isInteger(Math.log2(line)))) {
          throw new TypeError(`domain "${name}": line ${line} is not a power of two from 1 to 4096`);
        }
        const links: Pick<Mutable<Domain>, "behind" | "bounce" | "slot"> = {
          behind: null,
          bounce: null,
          slot: null,
        };
        const byItself = bounce === undefined;
        return {
          ...{ index, name, line, exclusive },
          ...{ speculates: speculates ?? byItself, evicts: evicts ?? byItself },
          ...links,
        };
      },
    );
    this.domains = domains;
    const problem = stackProblem(spec.domains) ?? slotProblem(spec.domains);
    if (problem !== null)
      throw new TypeError(`domain "${problem.domain}": ${problem.field}: ${problem.reason}`);
    for (const domain of domains) {
      const { behind, bounce } = spec.domains[domain.name] as DomainSpec;
      if (behind !== undefined) domain.behind = this.domain(behind);
      if (bounce !== undefined)
        domain.bounce = { cpu: this.domain(bounce.cpu), view: this.domain(bounce.view ?? domain.name) };
    }
    for (const domain of domains) {
      let last: Domain = domain;
      while (last.behind !== null) last = last.behind;
      if (last.bounce !== null) domain.slot = last;
    }
    const routes: Omit<Route, "index">[] = [{ kind: "direct", domain: null }];
    for (const domain of this.domains) {
      routes.push({ kind: "cached", domain }, { kind: "snoop", domain }, { kind: "snoop-allocate", domain });
    }
    this.routes = routes.map((route, index) => ({ ...route, index }));
    for (const [name, route] of Object.entries(spec.agents ?? {})) this.#agents.set(name, this.route(route));
  }

  /** The domain of that name; throws `TypeError` with the nearest name when there is none. */
  domain(name: string): Domain {
    const found = this.domains.find((domain) => domain.name === name);
    if (found !== undefined) return found;
    const known = this.domains.map((domain) => domain.name);
    throw new TypeError(`no domain "${name}"${nearestName(name, known)}`);
  }

  /** The default route of an agent; throws `TypeError` with the nearest name when there is none. */
  agent(name: string): Route {
    const found = this.#agents.get(name);
    if (found !== undefined) return found;
    throw new TypeError(`no agent "${name}"${nearestName(name, [...this.#agents.keys()])}`);
  }

  /** The route that a specification describes; equal specifications give the same object. */
  route(spec: RouteSpec): Route {
    if (spec.route === "direct") return this.routes[0] as Route;
    const kind = spec.route === "snoop" && spec.writes === "allocate" ? "snoop-allocate" : spec.route;
    const domain = this.domain(spec.domain);
    return this.routes.find((route) => route.kind === kind && route.domain === domain) as Route;
  }
}
