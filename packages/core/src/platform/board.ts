// SPDX-License-Identifier: MIT
import { parseSize, type Size } from "../address.ts";
import { InputError } from "../error.ts";
import { deviceConstraints } from "./device-constraints.ts";
import {
  type DeviceIommuDescription,
  demandIommu,
  demandIommus,
  type IommuDescription,
} from "./iommu-description.ts";
import { demandSwiotlb, type SwiotlbDescription } from "./swiotlb-description.ts";

/** How a device's transactions reach memory. */
export type Port = "direct" | "snoop" | "snoop-allocate";

/**
 * How an IOMMU behind a device takes mappings back (I-5): `strict` flushes its TLB before an address is free, `lazy` later and
 * for many at once. @see iommu.strict on the kernel's command line
 */
export type IommuMode = "strict" | "lazy";

/** Which I/O virtual addresses: those that Linux hands out, or always the highest that fit. */
export type IovaPolicy = "linux" | "first-fit";

const iovaPolicies: readonly IovaPolicy[] = ["linux", "first-fit"];

/** A bus master of a board. Only `class` and `coherent` are needed. */
export interface DeviceDescription {
  /** What kind of block it is: `"usb"`, `"dma"`, `"display"`, `"gpu"`. */
  readonly class: string;
  /** What Linux is told (`dma-coherent`): whether it skips cache maintenance for this device. */
  readonly coherent: boolean;
  /**
   * What the hardware does: `direct` goes to memory past the caches; `snoop` sees the CPU's lines, and its writes drop
   * them; `snoop-allocate` may also leave its writes in the CPU's cache. Default: `direct` for a device that is not
   * coherent, `snoop-allocate`, the worse case, for one that is.
   */
  readonly port?: Port;
  /**
   * What Linux sees as one device, where several masters of a board are parts of it, each with a port of its own: the
   * address of a PCI function, `"0000:00:02.0"`, or the name of a platform device. The DMA API knows the device and not
   * its parts, so `coherent`, `limit`, `offset`, `iommu` and `untrusted` are the same for all. Default: a device of its own.
   */
  readonly function?: string;
  /** Highest reachable bus address + 1; default none. */
  readonly limit?: Size;
  /** CPU physical address - bus address; default 0. */
  readonly offset?: number;
  /** What its bus shows of memory, where that is more than one piece (`dma-ranges`); instead of `limit` and `offset`. */
  readonly windows?: readonly WindowDescription[];
  /**
   * Its transactions ask not to be snooped, although its port could: PCIe's No Snoop, AxCACHE of memory that is not
   * cacheable. An IOMMU's mapping may decide otherwise. Default no.
   */
  readonly noSnoop?: boolean;
  /**
   * The DMA API goes through an IOMMU for this device: it reaches all memory, by addresses that its bus shows and its mask lets
   * through. `strict` and `lazy` stand for an IOMMU of no particular make with a domain of its own; else it is one that a
   * plugin provides. Default none.
   */
  readonly iommu?: IommuMode | DeviceIommuDescription;
  /**
   * Firmware says that it can be plugged in from outside: behind its IOMMU, mappings that are not whole granules bounce, and
   * all is taken back strictly (I-5, I-7). Default no. @see dev_is_untrusted
   */
  readonly untrusted?: boolean;
  /** Address bits that its driver asks for; default all. @see dma_set_mask_and_coherent */
  readonly addressBits?: number;
  /** Bytes a second that it moves; default 1 GiB. */
  readonly bandwidth?: Size;
  /** Most bytes of one segment; default any number to share a buffer, and 64 KiB for the DMA API (D-18). */
  readonly maxSegmentSize?: Size;
  /** No segment crosses a multiple of this plus 1; 2^n - 1, default none, and 0xffffffff for the DMA API (D-18). */
  readonly segmentBoundaryMask?: number;
  /** Most segments of one list (PR-10); default any number. */
  readonly maxSegmentCount?: number;
  /** Whether it needs memory in one piece (D15); default no. */
  readonly contiguous?: boolean;
  /** Whether its driver needs struct pages (D15, D19); default no. */
  readonly needsPages?: boolean;
  /** The private memory that it is trusted with (D20); default none. */
  readonly trustId?: string;
  /** Segments of fewer bytes work, but slowly (D26); default no such wish. */
  readonly preferredSegmentSize?: Size;
  /** Name of the restricted pool that all its DMA is copied through (D-47); default none. */
  readonly restrictedPool?: string;
  /** Bits of an address that a bounce buffer keeps, 2^n - 1 (D-41); default none. @see dma_set_min_align_mask */
  readonly minAlignMask?: number;
}

/** A piece of memory as a device sees it. */
export interface WindowDescription {
  /** First physical address. */
  readonly cpu: number;
  /** The bus address of it. */
  readonly bus: number;
  readonly size: Size;
  /** The only thing that the device can do through it; default both. */
  readonly only?: "read" | "write";
}

/** A range of memory. */
export interface RamDescription {
  readonly base: number;
  readonly size: Size;
}

/**
 * Memory set aside: a CMA pool that the page allocator may lend out; a carve-out, which the kernel never maps; one that is
 * protected as well, and that neither the CPU nor devices which are not trusted with it can reach (D20); or a restricted
 * pool, through which all DMA of the devices that name it is copied (D-47).
 */
export type PoolDescription =
  | { readonly kind: "cma"; readonly size: Size; readonly base?: number; readonly name?: string }
  | {
      readonly kind: "carve-out";
      readonly size: Size;
      readonly base: number;
      readonly name: string;
      /** The driver that has it to itself, so that it is nobody's heap; default none. */
      readonly driver?: string;
    }
  | {
      readonly kind: "protected";
      readonly size: Size;
      readonly base: number;
      readonly name: string;
      /** What devices must be trusted with (`trustId` of theirs). */
      readonly trustId: string;
    }
  | {
      readonly kind: "restricted";
      readonly size: Size;
      readonly base: number;
      readonly name: string;
    };

/** A board as a platform is built from: plain data, whoever wrote it. */
export interface BoardDescription {
  readonly model: string;
  readonly memory: readonly RamDescription[];
  readonly pools?: readonly PoolDescription[];
  /**
   * Bounce buffers for devices that do not reach all RAM or are untrusted; false for none. Default: there are some where a device
   * needs them.
   */
  readonly swiotlb?: SwiotlbDescription | false;
  readonly devices: Readonly<Record<string, DeviceDescription>>;
  /** The board's IOMMUs by name, where there is something to say of them. */
  readonly iommus?: Readonly<Record<string, IommuDescription>>;
  /** Bytes a second that a CPU thread reads or writes through its cache; default 4 GiB. */
  readonly cpuBandwidth?: Size;
  /** How IOMMUs hand out addresses; default `linux`. */
  readonly iovaPolicy?: IovaPolicy;
  /** Where the facts come from, shown by nobody, kept for readers. */
  readonly source?: string;
}

/**
 * Checks a board description and returns it. Throws `InputError` naming the field for a board without memory or
 * devices, a size that is none, or a device name that a pipeline could not write.
 */
export function board(description: BoardDescription): BoardDescription {
  const { model, memory, pools = [], devices, cpuBandwidth, iovaPolicy = "linux" } = description;
  const fail = (field: string, reason: string): never => {
    throw new InputError(`board "${model}": ${field}`, reason);
  };
  if (memory.length === 0) fail("memory", "a board needs at least one range of RAM");
  memory.forEach(({ base, size }, i) => {
    const place = `board "${model}": memory[${i}].size`;
    if (parseSize(size, place) === 0) fail(`memory[${i}].size`, "a range of RAM cannot be empty");
    if (!Number.isSafeInteger(base) || base < 0) fail(`memory[${i}].base`, `${base} is not an address`);
  });
  pools.forEach((pool, i) => {
    parseSize(pool.size, `board "${model}": pools[${i}].size`);
    if (pool.kind === "protected" && pool.trustId === "")
      fail(`pools[${i}].trustId`, "a trust id needs a name");
  });
  const bandwidthOf = (size: Size, field: string): void => {
    if (parseSize(size, `board "${model}": ${field}`) === 0)
      fail(field, "what moves nothing cannot transfer");
  };
  if (cpuBandwidth !== undefined) bandwidthOf(cpuBandwidth, "cpuBandwidth");
  if (!iovaPolicies.includes(iovaPolicy))
    fail("iovaPolicy", `"${iovaPolicy}" is neither ${iovaPolicies.join(" nor ")}`);
  const names = Object.keys(devices);
  if (names.length === 0) fail("devices", "a board needs at least one device");
  for (const name of names) {
    if (!/^[A-Za-z][\w.@:,-]*$/.test(name)) fail("devices", `"${name}" is not a name; begin with a letter`);
    if (name === "cpu") fail("devices", `"cpu" is the CPU itself; write cpu: true in a stage`);
    const device = devices[name] as DeviceDescription;
    const { limit, bandwidth, offset = 0, windows, addressBits = 64, iommu, untrusted = false } = device;
    demandIommu(name, device, fail);
    if (untrusted && iommu === undefined)
      fail(`devices.${name}.untrusted`, "nothing but an IOMMU can keep a device out; give it one");
    if (windows !== undefined) {
      if (limit !== undefined || offset !== 0)
        fail(`devices.${name}.windows`, "say what the device reaches; leave out limit and offset");
      if (windows.length === 0)
        fail(`devices.${name}.windows`, "a device that sees no memory cannot transfer");
      windows.forEach(({ cpu, bus, size }, i) => {
        const at = `devices.${name}.windows[${i}]`;
        if (parseSize(size, `board "${model}": ${at}.size`) === 0)
          fail(`${at}.size`, "a window cannot be empty");
        for (const [field, value] of Object.entries({ cpu, bus }))
          if (!Number.isSafeInteger(value) || value < 0) fail(`${at}.${field}`, `${value} is not an address`);
      });
    }
    if (!Number.isInteger(addressBits) || addressBits < 1 || addressBits > 64)
      fail(`devices.${name}.addressBits`, `${addressBits} is not a number of bits from 1 to 64`);
    if (limit !== undefined) parseSize(limit, `board "${model}": devices.${name}.limit`);
    if (bandwidth !== undefined) bandwidthOf(bandwidth, `devices.${name}.bandwidth`);
    if (!Number.isSafeInteger(offset)) fail(`devices.${name}.offset`, `${offset} is not a whole number`);
    deviceConstraints(devices[name] as DeviceDescription, `board "${model}": devices.${name}`);
  }
  demandIommus(description, fail);
  demandSwiotlb(description, fail);
  demandOneDevice(devices, fail);
  return description;
}

/** What Linux keeps for a device does not differ between the masters that are one function. */
function demandOneDevice(
  devices: Readonly<Record<string, DeviceDescription>>,
  fail: (field: string, reason: string) => never,
): void {
  const known = ({ coherent, limit, offset = 0, iommu, untrusted = false }: DeviceDescription) => ({
    coherent,
    iommu: typeof iommu === "object" ? JSON.stringify(iommu) : iommu,
    untrusted,
    limit: limit === undefined ? null : parseSize(limit),
    offset,
  });
  const first = new Map<string, string>();
  for (const [name, device] of Object.entries(devices)) {
    const { function: of } = device;
    if (of === undefined) continue;
    if (!/^\S+$/.test(of)) fail(`devices.${name}.function`, `"${of}" is not a name`);
    const other = first.get(of) ?? name;
    first.set(of, other);
    const [own, others] = [known(device), known(devices[other] as DeviceDescription)];
    for (const field of ["coherent", "limit", "offset", "iommu", "untrusted"] as const) {
      if (own[field] === others[field]) continue;
      fail(`devices.${name}.${field}`, `differs from that of ${other}, which is the same device, ${of}`);
    }
  }
}
