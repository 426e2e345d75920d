// SPDX-License-Identifier: MIT
import { InputError } from "./error.ts";

declare const space: unique symbol;

/** An address in the CPU's physical address space: a whole number below 2^53. */
export type PhysAddr = number & { readonly [space]: "phys" };

/** An address as a device puts it on its bus (`dma_addr_t`): a whole number below 2^53. */
export type DmaAddr = number & { readonly [space]: "dma" };

/** An address in some virtual address space of the CPU: a whole number below 2^53. */
export type CpuAddr = number & { readonly [space]: "cpu" };

/** Names a number a physical address; throws `TypeError` unless it is a whole number in [0, 2^53). */
export function physAddr(value: number): PhysAddr {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`not a physical address: ${value}`);
  return value as PhysAddr;
}

/** Names a number a bus address; throws `TypeError` unless it is a whole number in [0, 2^53). */
export function dmaAddr(value: number): DmaAddr {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`not a DMA address: ${value}`);
  return value as DmaAddr;
}

/** Names a number a virtual address; throws `TypeError` unless it is a whole number in [0, 2^53). */
export function cpuAddr(value: number): CpuAddr {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`not a virtual address: ${value}`);
  return value as CpuAddr;
}

/** Bytes, or a decimal count with a binary unit: `4096`, `"64KiB"`, `"1MiB"`, `"2GiB"`. */
export type Size = number | string;

const units: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/**
 * A size in bytes. Throws `InputError` for anything that is not a whole number of bytes in [0, 2^53) or a decimal
 * count with one of the units B, KiB, MiB, GiB, TiB; `place` goes into the message.
 */
export function parseSize(size: Size, place = ""): number {
  const match = typeof size === "string" ? /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(size.trim()) : undefined;
  const unit = match === undefined ? 1 : units[match?.[2] ?? "?"];
  const bytes = typeof size === "number" ? size : Number(match?.[1]) * (unit ?? Number.NaN);
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
  throw new InputError(
    place,
    `"${size}" is not a size; write bytes or a unit, as in 4096, "64KiB" or "1MiB"`,
  );
}

/** `value` rounded up to a multiple of `alignment` (a power of two or any positive whole number). */
export const alignUp = (value: number, alignment: number): number =>
  value + ((alignment - (value % alignment)) % alignment);

/** `value` rounded down to a multiple of `alignment`. */
export const alignDown = (value: number, alignment: number): number => value - (value % alignment);

/** Size of a CPU page in bytes, the granule of everything that Linux shares. */
export const PAGE_SIZE = 4096;
