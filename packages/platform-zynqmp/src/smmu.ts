// SPDX-License-Identifier: MIT
import { type BoardDescription, type DeviceDescription, overlaid } from "@dmabuf/core";
import type { DomainType } from "@dmabuf/core/iommu";

/** The number of the translation buffer unit that a master is behind, and its AXI master id there (UG1085, "System MMU"). */
const masters: Readonly<Record<string, readonly [tbu: number, masterId: number]>> = {
  "adc-dmac": [0, 0x200],
  "dac-dmac": [0, 0x201],
  sata: [1, 0xc0],
  pcie: [1, 0xd0],
  usb0: [2, 0x60],
  usb1: [2, 0x61],
  sd0: [2, 0x70],
  sd1: [2, 0x71],
  gem0: [2, 0x74],
  gem1: [2, 0x75],
  gem2: [2, 0x76],
  gem3: [2, 0x77],
  dp: [3, 0xe3],
  dpdma: [3, 0xe4],
  "adc-hp0": [3, 0x280],
  "dac-hp0": [3, 0x281],
  "fpd-dma": [5, 0xe8],
};

/** The IOMMU's name on boards that {@link smmuOn} makes. */
const UNIT = "smmu";

/** The stream id of a master: TBU in bits 14:10, master id below. */
const streamId = (tbu: number, masterId: number): number => tbu * 2 ** 10 + masterId;

/**
 * The board with its MMU-500 switched on: every master that a translation buffer unit is before gets its stream id. What
 * bypasses the SMMU stays as it is: the accelerator coherency port, and the GPU, which has an MMU of its own. Mainline's device
 * tree has it off.
 * @param domain what devices begin with; default `strict`, as arm64 boots
 */
export function smmuOn(description: BoardDescription, domain: DomainType = "strict"): BoardDescription {
  const devices: Record<string, Partial<DeviceDescription>> = {};
  for (const name of Object.keys(description.devices)) {
    const place = masters[name];
    if (place !== undefined) devices[name] = { iommu: { unit: UNIT, ids: [streamId(...place)], domain } };
  }
  return overlaid(description, { devices, iommus: { [UNIT]: { kind: "mmu-500", enabled: true } } });
}
