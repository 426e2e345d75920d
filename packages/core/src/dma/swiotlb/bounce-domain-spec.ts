// SPDX-License-Identifier: MIT
import type { Domain, DomainSpec, RouteSpec } from "../../coherency/topology.ts";

/** The CPU's caches as a bounce slot needs to know them. */
export interface CpuCaches {
  /** All of the architecture's domains, by name. */
  readonly domains: Readonly<Record<string, DomainSpec>>;
  /** The one that the CPU's accesses through the linear map meet first. */
  readonly cpuDomain: string;
}

/** A device that may have to bounce, as far as a slot depends on it. */
export interface BouncingDevice {
  readonly name: string;
  /** How its accesses reach memory. */
  readonly port: RouteSpec;
  /** Whether Linux takes it to be coherent, and so leaves out maintenance. */
  readonly coherent: boolean;
}

/** Name of the bounce slot of a device among a system's domains. */
export const slotName = (device: string): string => `${device}'s bounce buffer`;

/** Name of the domain that stands for what a cache of the CPU holds of a device's bounce buffer. */
export const viewName = (domain: string, device: string): string => `${domain} over ${slotName(device)}`;

/** The domain whose lines are worked through when such a domain is maintained: the CPU's own; else the domain itself. */
export function viewed({ name, slot }: Domain): string {
  const suffix = slot === null ? "" : ` over ${slot.name}`;
  return suffix !== "" && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

/** Whether the CPU and the device see one thing in the bounce buffer: hardware and Linux agree that they are coherent. */
const isSeenAlike = ({ port, coherent }: BouncingDevice, { cpuDomain }: CpuCaches): boolean =>
  coherent && port.route !== "direct" && port.domain === cpuDomain;

/**
 * The domains that a device's bouncing adds to a system: its slot, and before it the caches of the CPU once more, for what
 * they hold of the slot's memory. They are left out where they cannot differ from it, which keeps the state small.
 * Domains that come without a stack of their own, as the colours of a virtual cache, are not repeated: copies go through
 * the linear map.
 */
export function bounceDomains(device: BouncingDevice, cpu: CpuCaches): Record<string, DomainSpec> {
  const { domains, cpuDomain } = cpu;
  const slot = slotName(device.name);
  const line = domains[cpuDomain]?.line ?? 1;
  if (isSeenAlike(device, cpu)) return { [slot]: { line, bounce: { cpu: cpuDomain } } };
  const views: Record<string, DomainSpec> = {};
  for (let at: string | undefined = cpuDomain; at !== undefined; at = domains[at]?.behind) {
    const spec = domains[at] as DomainSpec;
    const behind = spec.behind === undefined ? slot : viewName(spec.behind, device.name);
    views[viewName(at, device.name)] = { ...spec, behind };
  }
  return { ...views, [slot]: { line, bounce: { cpu: cpuDomain, view: viewName(cpuDomain, device.name) } } };
}

/** How the device's accesses to its bounce buffer go, given in the addresses of the originals. */
export function bounceRoute(device: BouncingDevice, cpu: CpuCaches): RouteSpec {
  const { port, name } = device;
  if (port.route === "direct" || isSeenAlike(device, cpu)) return { route: "cached", domain: slotName(name) };
  return { ...port, domain: viewName(port.domain, name) };
}
