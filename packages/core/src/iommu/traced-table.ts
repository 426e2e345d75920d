// SPDX-License-Identifier: MIT
import type { DmaAddr, PhysAddr } from "../address.ts";
import type { Trace } from "../sim/trace.ts";
import type { IommuTable } from "./iommu-table.ts";
import { iommuMap, iommuUnmap } from "./iommu-trace.ts";

/** A domain whose maps and unmaps leave the kernel's events. */
export class TracedTable implements IommuTable {
  readonly #table: IommuTable;
  readonly #trace: Trace;

  constructor(table: IommuTable, trace: Trace) {
    this.#table = table;
    this.#trace = trace;
  }

  get granule(): number {
    return this.#table.granule;
  }

  get end(): number {
    return this.#table.end;
  }

  get deferredFlush(): boolean {
    return this.#table.deferredFlush;
  }

  map(iova: DmaAddr, phys: PhysAddr, size: number, prot: number): void {
    this.#table.map(iova, phys, size, prot);
    this.#trace.emit(iommuMap, iova, phys, size);
  }

  unmap(iova: DmaAddr, size: number): number {
    const unmapped = this.#table.unmap(iova, size);
    this.#trace.emit(iommuUnmap, iova, size, unmapped);
    return unmapped;
  }

  flush(iova: DmaAddr, size: number): void {
    this.#table.flush(iova, size);
  }

  flushAll(): void {
    this.#table.flushAll();
  }

  syncMap(iova: DmaAddr, size: number): void {
    this.#table.syncMap?.(iova, size);
  }

  lookup(iova: DmaAddr): PhysAddr | null {
    return this.#table.lookup(iova);
  }
}
