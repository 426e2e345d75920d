// SPDX-License-Identifier: MIT
import { type CpuAddr, cpuAddr, type PhysAddr, physAddr } from "../address.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";

/** What the kernel keeps in a part of its virtual address space. */
export type KernelArea = "linear" | "vmalloc" | "text" | "rodata" | "stack";

/**
 * The kernel's virtual address space, in areas far apart: what lies where in a real one depends on machine and kernel, and
 * only the area of an address matters here. Stacks are in memory of the vmalloc kind (`CONFIG_VMAP_STACK`).
 */
const bases: Readonly<Record<KernelArea, number>> = {
  linear: 2 ** 50,
  vmalloc: 2 ** 51,
  stack: 2 ** 51 + 2 ** 49,
  text: 2 ** 52,
  rodata: 2 ** 52 + 2 ** 49,
};

const descending = Object.entries(bases).sort(([, a], [, b]) => b - a) as readonly [KernelArea, number][];

/** The address of `offset` in an area; in the linear map the offset is the physical address. */
export const kernelAddress = (area: KernelArea, offset: number): CpuAddr => cpuAddr(bases[area] + offset);

/** The area of a kernel address, or null for one of user space. */
export const areaOf = (address: number): KernelArea | null =>
  descending.find(([, base]) => address >= base)?.[0] ?? null;

/** The physical address behind one of the linear map, or null: another area, or no RAM there. @see virt_to_phys */
export function linearPhys(address: CpuAddr, memory: PhysicalMemory): PhysAddr | null {
  if (areaOf(address) !== "linear") return null;
  const phys = address - bases.linear;
  return memory.regionAt(phys)?.linearMap === true ? physAddr(phys) : null;
}
