// SPDX-License-Identifier: MIT
import { parseSize } from "../address.ts";
import { dmaBitMask } from "../dma/dma-mask.ts";
import { reachesAll } from "../dma/dma-reach.ts";
import { DEFAULT_POOL_SIZE, SEGMENT_SLOTS, SLOT_SIZE } from "../dma/swiotlb/slot.ts";
import { Extents } from "../memory/extents.ts";
import type { SwiotlbMemory } from "../memory/memory-description.ts";
import { DMA32_END } from "../memory/zone.ts";
import type { BoardDescription, DeviceDescription } from "./board.ts";
import { windowsOf } from "./device-windows.ts";

const SEGMENT = SEGMENT_SLOTS * SLOT_SIZE;

const ramOf = ({ memory }: BoardDescription): Extents =>
  Extents.of(...memory.map(({ base, size }) => [base, base + parseSize(size)] as const));

/**
 * The devices of a board that share the common pool of bounce buffers: those that reach part of its RAM and not all of it,
 * untrusted ones behind an IOMMU (I-7), and whoever the boot makes bounce. A device that reaches none would not reach the
 * pool either. Devices with a restricted pool are none of them.
 */
export function bouncingDevices(board: BoardDescription): readonly string[] {
  const { swiotlb = {}, devices } = board;
  if (swiotlb === false) return [];
  const ram = ramOf(board);
  const bounces = (device: DeviceDescription): boolean => {
    if (device.restrictedPool !== undefined) return false;
    if (device.untrusted === true) return true;
    if (swiotlb.force === true || (swiotlb.kmalloc !== undefined && !device.coherent)) return true;
    const mask = dmaBitMask(device.addressBits ?? 64);
    const windows = windowsOf(device);
    if (reachesAll({ windows }, ram, mask)) return false;
    return windows.some(({ cpu, bus, size }) => {
      const end = cpu + Math.min(size, mask + 1 - bus);
      return ram.starts.some((start, i) => cpu < (ram.ends[i] as number) && start < end);
    });
  };
  return Object.keys(devices).filter((name) => bounces(devices[name] as DeviceDescription));
}

/**
 * The memory that a board sets aside for bounce buffers; null where nobody can bounce. It lies below 4 GiB and within what
 * every bus with a limit shows, as arm64's DMA zone does; limits that leave no room are passed over.
 * @see swiotlb_init_remap, ARCH_LOW_ADDRESS_LIMIT
 */
export function swiotlbMemoryOf(board: BoardDescription): SwiotlbMemory | null {
  const bouncing = bouncingDevices(board);
  if (bouncing.length === 0 || board.swiotlb === false) return null;
  const ends = bouncing.map((name) =>
    Math.max(...windowsOf(board.devices[name] as DeviceDescription).map(({ cpu, size }) => cpu + size)),
  );
  const limits = [...new Set([...ends.filter((end) => end < DMA32_END), DMA32_END])].sort((a, b) => a - b);
  const asked = board.swiotlb?.size;
  if (asked === undefined) return { size: DEFAULT_POOL_SIZE, smallest: SEGMENT, limits };
  const size = 2 ** Math.ceil(Math.log2(Math.max(SEGMENT, parseSize(asked))));
  return { size, smallest: size, limits };
}
