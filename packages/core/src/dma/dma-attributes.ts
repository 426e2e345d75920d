// SPDX-License-Identifier: MIT

/** Attributes of a mapping or an allocation (D-10). What is left out is false. */
export interface DmaAttributes {
  /** Write-combining instead of uncached memory; nothing for a coherent device (D-31). */
  readonly writeCombine?: boolean;
  /** The allocation needs no address for the CPU (D-29). */
  readonly noKernelMapping?: boolean;
  /** No cache maintenance and no bounce copy now; the user syncs by himself (D-11). */
  readonly skipCpuSync?: boolean;
  /** Contiguous in physical memory, also behind an IOMMU (D-36). */
  readonly forceContiguous?: boolean;
  /** Single pages are as good as large blocks (D-36). */
  readonly allocSinglePages?: boolean;
  /** No complaint when it fails (D-36). */
  readonly noWarn?: boolean;
  /** Only privileged transactions of the device reach it (D-36). */
  readonly privileged?: boolean;
  /** Registers or a window of another device, not memory (D-9). */
  readonly mmio?: boolean;
  /**
   * The driver asks by itself whether mapping failed, with `mappingError`, instead of having it thrown: a mapping that failed
   * has the address `DMA_MAPPING_ERROR`. No attribute of the kernel's.
   */
  readonly unchecked?: boolean;
  /** Refuse where the device is not coherent or the memory would be bounced (D-10). */
  readonly requireCoherent?: boolean;
}

/** The attributes with the kernel's bit of each. @see DMA_ATTR_WRITE_COMBINE and following */
const bits: readonly (readonly [keyof DmaAttributes, number])[] = [
  ["writeCombine", 2],
  ["noKernelMapping", 4],
  ["skipCpuSync", 5],
  ["forceContiguous", 6],
  ["allocSinglePages", 7],
  ["noWarn", 8],
  ["privileged", 9],
  ["mmio", 10],
  ["requireCoherent", 12],
];

/** The attributes as the kernel passes them. */
export function attributeBits(attributes: DmaAttributes): number {
  let value = 0;
  for (const [name, bit] of bits) if (attributes[name] === true) value |= 1 << bit;
  return value;
}
