// SPDX-License-Identifier: MIT
import type { DmaTranslation } from "../dma/dma-translation.ts";
import { busLimit, type DmaWindow } from "../dma/dma-window.ts";
import { DmaDomain } from "../dma/iova/dma-domain.ts";
import { IovaDomain, type IovaLimit } from "../dma/iova/iova-domain.ts";
import { PlainTable } from "../dma/iova/plain-table.ts";
import { TracedTable } from "../dma/iova/traced-table.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { IommuMode, IovaPolicy } from "./board.ts";

/** Input addresses of the IOMMU: 48 bits, as most have. */
const APERTURE = 2 ** 48;

/** What a `DeviceIommu` is made of. */
export interface DeviceIommuOptions {
  readonly mode: IommuMode;
  /** Whether the device is one from outside, whose domain is strict whatever the mode (I-5). */
  readonly untrusted: boolean;
  readonly policy: IovaPolicy;
  /** What the device's bus shows; I/O virtual addresses are within it, and physical ones anywhere. */
  readonly windows: readonly DmaWindow[];
  readonly simulation: Simulation;
}

/** The IOMMU of one device of a board: a plain table, and a domain that begins with the first mapping. */
export class DeviceIommu implements DmaTranslation, Disposable {
  readonly #options: DeviceIommuOptions;
  #domain: DmaDomain | null = null;

  constructor(options: DeviceIommuOptions) {
    this.#options = options;
  }

  get domain(): DmaDomain {
    this.#domain ??= domainOf(this.#options);
    return this.#domain;
  }

  limit(mask: number): IovaLimit {
    const bus = busLimit(this.#options.windows);
    const apertureEnd = APERTURE - 1;
    return Number.isFinite(bus) ? { mask, apertureEnd, busLimit: bus } : { mask, apertureEnd };
  }

  /** Power off: nothing waits for a flush any more. */
  [Symbol.dispose](): void {
    this.#domain?.flushQueue?.destroy();
  }
}

function domainOf({ mode, untrusted, policy, windows, simulation }: DeviceIommuOptions): DmaDomain {
  const first = Math.min(...windows.map(({ bus }) => bus));
  const iova = new IovaDomain({
    policy,
    timers: simulation,
    aperture: { start: 0, end: APERTURE },
    dmaRange: { start: first, end: busLimit(windows) + 1 },
  });
  return new DmaDomain({
    iova,
    table: new TracedTable(new PlainTable({ end: APERTURE }), simulation.trace),
    diagnostics: simulation.diagnostics,
    untrusted,
    ...(mode === "lazy" ? { lazy: { timers: simulation } } : {}),
  });
}
