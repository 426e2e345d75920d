// SPDX-License-Identifier: MIT
import { type DmaAddr, dmaAddr, type PhysAddr } from "../address.ts";
import { IommuProt } from "../iommu/iommu-prot.ts";
import type { IommuTable } from "../iommu/iommu-table.ts";
import type { IommuMaster, IommuUnit } from "../iommu/iommu-unit.ts";
import type { Translation } from "../iommu/translation.ts";
import { assemble } from "../platform/platform.ts";
import type { Plugin } from "../platform/plugin.ts";
import type { System } from "../platform/system.ts";
import { toyArch } from "./toy-arch.ts";

export const READ_WRITE = IommuProt.READ | IommuProt.WRITE;

/** What is special about an IOMMU. */
export interface IommuSuiteOptions {
  /** Ids of two devices that it can tell apart; default 1 and 2. */
  readonly ids?: readonly [number, number];
  /** Whether a mapping can allow reads and no writes, or the other way round; default both. */
  readonly permissions?: "read-and-write" | "read-only" | "none";
  /** Whether devices can get through untranslated; default yes. */
  readonly identity?: boolean;
  /** Whether it has one address space for good, which every domain is; default no. */
  readonly oneDomain?: boolean;
  /** Whether devices with different ids can have different domains; default yes. */
  readonly contexts?: boolean;
}

/** A board of two devices behind an IOMMU called `iommu`, and its parts. */
export class IommuFixture {
  readonly system: System;
  readonly unit: IommuUnit;
  readonly masters: readonly [IommuMaster, IommuMaster];

  constructor(make: (name: string) => Plugin, { ids = [1, 2] }: IommuSuiteOptions) {
    const devices = Object.fromEntries(
      ids.map((id, i) => [
        `dma${i}`,
        { class: "dma", coherent: false, iommu: { unit: "iommu", ids: [id] } } as const,
      ]),
    );
    const board = { model: "suite", memory: [{ base: 0, size: "32MiB" }], devices } as const;
    this.system = assemble(board, [toyArch(), make("iommu")]).boot();
    this.unit = this.system.iommu("iommu");
    const master = (i: 0 | 1): IommuMaster => ({ devices: [`dma${i}`], ids: [ids[i]], untrusted: false });
    this.masters = [master(0), master(1)];
  }

  /** A domain of its own for one of the devices. */
  domain(of: 0 | 1 = 0): IommuTable {
    const table = this.unit.allocateDomain();
    this.unit.attach(this.masters[of], table);
    return table;
  }

  /** What becomes of an access of one of the devices. */
  access(address: number, access: number = IommuProt.READ, of: 0 | 1 = 0): Translation {
    return this.unit.translation(this.masters[of].ids[0] as number).translate(address, access);
  }

  /** Where it gets to, or null. */
  reach(address: number, access: number = IommuProt.READ, of: 0 | 1 = 0): number | null {
    const answer = this.access(address, access, of);
    return answer.fault === null ? answer.address : null;
  }
}

/** Maps pages of the table, and tells the IOMMU. */
export function mapIn(table: IommuTable, iova: number, phys: number, size: number, prot = READ_WRITE): void {
  table.map(iova as DmaAddr, phys as PhysAddr, size, prot);
  table.syncMap?.(iova as DmaAddr, size);
}

/** Takes pages out, and has the IOMMU forget them. */
export function takeOut(table: IommuTable, iova: number, size: number): number {
  const unmapped = table.unmap(dmaAddr(iova), size);
  table.flush(dmaAddr(iova), size);
  return unmapped;
}
