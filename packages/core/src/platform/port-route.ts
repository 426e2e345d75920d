// SPDX-License-Identifier: MIT
import type { RouteSpec } from "../coherency/topology.ts";
import type { Arch } from "../dma/arch.ts";
import type { DeviceDescription, Port } from "./board.ts";

/** The port of a device of a board; one that is coherent may leave its writes in a cache unless the board says otherwise. */
export const portOf = ({ port, coherent }: DeviceDescription): Port =>
  port ?? (coherent ? "snoop-allocate" : "direct");

/** The way of accesses through a port of this architecture's caches. */
export function routeThrough(port: Port, { cpuDomain: domain }: Arch): RouteSpec {
  if (port === "direct") return { route: "direct" };
  return { route: "snoop", domain, ...(port === "snoop-allocate" ? { writes: "allocate" } : {}) };
}
