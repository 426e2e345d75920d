// SPDX-License-Identifier: MIT
import type { AccessKind, MaintenanceKind } from "./operation.ts";
import type { DomainSpec, RouteSpec } from "./topology.ts";

/**
 * One step of a litmus program that does something to memory: an access by an agent, or raw maintenance of a domain.
 * Ranges are half-open. `on` is the timeline that it runs on, in a program that has timelines.
 */
export type LitmusStep =
  | {
      readonly on?: string;
      readonly agent: string;
      readonly op: AccessKind;
      readonly range: readonly [start: number, end: number];
    }
  | {
      readonly on?: string;
      readonly op: MaintenanceKind;
      readonly domain: string;
      readonly range: readonly [start: number, end: number];
    };

/** One step that orders timelines: one signals a fence, others wait for it. A fence is signalled once. */
export type LitmusFence =
  | { readonly on: string; readonly signal: string }
  | { readonly on: string; readonly wait: string };

/** A program over one buffer: the smallest thing that has a coherency verdict. `S` is what its steps may be. */
export interface LitmusProgram<S extends LitmusStep | LitmusFence = LitmusStep> {
  readonly name: string;
  readonly domains: Readonly<Record<string, DomainSpec>>;
  readonly agents: Readonly<Record<string, RouteSpec>>;
  /** Size in bytes; bytes past it in its last line are neighbours. */
  readonly buffer: { readonly size: number };
  /** The timelines that steps name in `on`: CPU threads, engines. */
  readonly timelines?: readonly string[];
  readonly steps: readonly S[];
  /** What the author expects; `runLitmus` does not look at it. */
  readonly expect?: {
    readonly stale?: readonly number[];
    readonly lost?: number | null;
    readonly races?: readonly (readonly [first: number, second: number])[];
  };
}

/** A program that may have timelines and fences. */
export type TimedLitmusProgram = LitmusProgram<LitmusStep | LitmusFence>;
