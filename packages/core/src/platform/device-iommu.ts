// SPDX-License-Identifier: MIT

import type { DmaAddr, PhysAddr } from "../address.ts";
import type { DmaTranslation } from "../dma/dma-translation.ts";
import { busLimit, type DmaWindow } from "../dma/dma-window.ts";
import { DmaDomain } from "../dma/iova/dma-domain.ts";
import { IovaDomain, type IovaLimit } from "../dma/iova/iova-domain.ts";
import type { DomainType } from "../iommu/domain-type.ts";
import { IommuProt } from "../iommu/iommu-prot.ts";
import type { IommuTable } from "../iommu/iommu-table.ts";
import type { ReservedRegion } from "../iommu/iommu-unit.ts";
import { TracedTable } from "../iommu/traced-table.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { IovaPolicy } from "./board.ts";

const READ_WRITE = IommuProt.READ | IommuProt.WRITE;

/** What a `DeviceIommu` is made of. */
export interface DeviceIommuOptions {
  readonly mode: Exclude<DomainType, "identity">;
  /** Whether the device is one from outside, whose domain is strict whatever the mode (I-5). */
  readonly untrusted: boolean;
  readonly policy: IovaPolicy;
  /** What the device's bus shows; I/O virtual addresses are within it, and physical ones anywhere. */
  readonly windows: readonly DmaWindow[];
  readonly simulation: Simulation;
  /** The tables, made and attached when the first mapping asks for them. */
  readonly table: () => IommuTable;
  /** Called when the DMA API first asks; default nobody cares. */
  readonly used?: () => void;
  /** What is not handed out, and mapped to itself where that is needed (M-6). */
  readonly reserved?: readonly ReservedRegion[];
}

/** What the DMA API has of the IOMMU of a device, or of those of a group: a domain that begins with the first mapping. */
export class DeviceIommu implements DmaTranslation, Disposable {
  readonly #options: DeviceIommuOptions;
  #domain: DmaDomain | null = null;
  #isUsed = false;

  constructor(options: DeviceIommuOptions) {
    this.#options = options;
  }

  get domain(): DmaDomain {
    if (!this.#isUsed) this.#options.used?.();
    this.#isUsed = true;
    return this.prepare();
  }

  waitsForFlush(address: number): boolean {
    return this.#domain?.waitsForFlush(address) === true;
  }

  limit(mask: number): IovaLimit {
    return limitOf(this.domain, this.#options.windows, mask);
  }

  /** The same domain, for another device of the group, whose bus shows something else. */
  through(windows: readonly DmaWindow[]): DmaTranslation {
    const shared = this;
    return {
      get domain() {
        return shared.domain;
      },
      waitsForFlush: (address) => shared.waitsForFlush(address),
      limit: (mask) => limitOf(shared.domain, windows, mask),
    };
  }

  /** Makes the domain before somebody maps, where firmware's devices need what is mapped for them (M-6). */
  prepare(): DmaDomain {
    this.#domain ??= domainOf(this.#options);
    return this.#domain;
  }

  /** Power off: nothing waits for a flush any more. */
  [Symbol.dispose](): void {
    this.#domain?.flushQueue?.destroy();
  }
}

function limitOf({ table }: DmaDomain, windows: readonly DmaWindow[], mask: number): IovaLimit {
  const bus = busLimit(windows);
  const apertureEnd = table.end - 1;
  return Number.isFinite(bus) ? { mask, apertureEnd, busLimit: bus } : { mask, apertureEnd };
}

function domainOf(options: DeviceIommuOptions): DmaDomain {
  const { mode, untrusted, policy, windows, simulation, reserved = [] } = options;
  const table = new TracedTable(options.table(), simulation.trace);
  const { granule, end } = table;
  const iova = new IovaDomain({
    policy,
    granule,
    timers: simulation,
    aperture: { start: 0, end },
    dmaRange: { start: Math.min(...windows.map(({ bus }) => bus)), end: busLimit(windows) + 1 },
  });
  for (const { start, size, kind } of reserved) {
    if (kind === "sw-msi") continue;
    iova.reserve(start, start + size);
    if (kind === "direct" || kind === "direct-relaxable") mapDirect(table, start, start + size);
  }
  return new DmaDomain({
    iova,
    table,
    diagnostics: simulation.diagnostics,
    untrusted,
    ...(mode === "lazy" ? { lazy: { timers: simulation } } : {}),
  });
}

/**
 * Maps what firmware's devices go on using to itself, past what is mapped; neighbouring pages at once, so that they are as large
 * as fit (M-6). @see iommu_create_device_direct_mappings
 */
function mapDirect(table: IommuTable, start: number, end: number): void {
  const { granule } = table;
  const first = Math.floor(start / granule) * granule;
  const last = Math.ceil(end / granule) * granule;
  const isMapped = (at: number): boolean => table.lookup(at as DmaAddr) !== null;
  for (let at = first; at < last; at += granule) {
    if (isMapped(at)) continue;
    const from = at;
    while (at < last && !isMapped(at)) at += granule;
    table.map(from as DmaAddr, from as PhysAddr, at - from, READ_WRITE);
  }
  table.syncMap?.(first as DmaAddr, last - first);
}
