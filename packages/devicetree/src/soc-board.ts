// SPDX-License-Identifier: MIT
import {
  type BoardDescription,
  board,
  type DeviceDescription,
  type IommuDescription,
  isPoolSize,
  type PoolDescription,
  type Port,
  type RamDescription,
} from "@dmabuf/core";
import type { MachineFacts, MachineMaster } from "./machine.ts";

/** A master of a SoC that is known by where its registers are. */
export interface SocMaster {
  /** As its manual calls it. */
  readonly name: string;
  /** Address bits that it or its driver has, where that is less than 64. */
  readonly bits?: number;
  readonly bandwidth?: string;
}

/** What a SoC's device trees leave out. */
export interface SocDescription {
  /** For a tree without a model. */
  readonly model: string;
  /** For a tree without RAM, which leaves it to the boot loader. */
  readonly ram: RamDescription;
  /** Size of the CMA pool that Linux makes when the tree has none. */
  readonly cma: string;
  /** How the transactions of a coherent master reach memory. */
  readonly coherentPort: Port;
  /** By the CPU's physical address of the first register. */
  readonly masters: Readonly<Record<number, SocMaster>>;
}

/**
 * A board from a device tree: its enabled masters under the names of the SoC's manual where their registers are known, else
 * under the name of their node. Coherency is what the tree says. What is in a fabric is not in the tree: lay it over with
 * `overlaid`. Throws `InputError` for a tree that has no masters.
 */
export function socBoard(machine: MachineFacts, soc: SocDescription): BoardDescription {
  const named: Record<string, unknown> = {};
  const pools = machine.pools.flatMap(({ kind, base, size, path }): PoolDescription[] => {
    // A node with several ranges is several pools.
    const name = freeName(nodeName({ path }), named);
    named[name] = path;
    if (kind === "cma") return [{ kind, size, name, ...(base === null ? {} : { base }) }];
    if (base === null) return [];
    return [{ kind: kind === "restricted" && isPoolSize(size) ? kind : "carve-out", size, base, name }];
  });
  const devices: Record<string, DeviceDescription> = {};
  for (const master of machine.masters) {
    const known = master.base === null ? undefined : soc.masters[master.base];
    const device = deviceFrom(master, known, soc.coherentPort);
    const own = pools.find(({ kind, name }) => kind === "restricted" && name === restrictedPoolOf(master));
    devices[freeName(known?.name ?? nodeName(master), devices)] =
      own?.name === undefined ? device : { ...device, restrictedPool: own.name };
  }
  // Every Linux has a default CMA pool, whether or not the tree names one.
  if (!pools.some(({ kind }) => kind === "cma")) pools.push({ kind: "cma", size: soc.cma });
  return board({
    model: machine.model ?? soc.model,
    memory: machine.ram.length > 0 ? machine.ram : [soc.ram],
    pools,
    devices,
    ...(machine.iommus.length === 0 ? {} : { iommus: iommusOf(machine) }),
    source: "device tree",
  });
}

/** The name of the pool that all DMA of a master is copied through, or null; an IOMMU goes before it (D-16). */
const restrictedPoolOf = ({ restrictedTo, translated }: MachineMaster): string | null =>
  restrictedTo === null || translated ? null : nodeName({ path: restrictedTo });

/** The IOMMUs that the tree describes, by the names of their nodes. */
const iommusOf = ({ iommus }: MachineFacts): Record<string, IommuDescription> =>
  Object.fromEntries(iommus.map(({ path, kind, enabled }) => [nodeName({ path }), { kind, enabled }]));

const nodeName = ({ path }: Pick<MachineMaster, "path">): string => path.split("/").at(-1) ?? path;

function freeName(name: string, taken: Readonly<Record<string, unknown>>): string {
  if (taken[name] === undefined) return name;
  for (let i = 2; ; i++) if (taken[`${name}-${i}`] === undefined) return `${name}-${i}`;
}

function deviceFrom(
  { class: deviceClass, coherent, limit, offset, iommus, translated }: MachineMaster,
  known: SocMaster | undefined,
  coherentPort: Port,
): DeviceDescription {
  const { bits = 64, bandwidth } = known ?? {};
  // Linux translates for a device only where every IOMMU that it names is enabled.
  const behind = translated ? iommus[0] : undefined;
  const reach = Math.min(limit === null ? Number.POSITIVE_INFINITY : limit - offset, 2 ** bits);
  return {
    class: deviceClass,
    coherent,
    port: coherent ? coherentPort : "direct",
    ...(reach < 2 ** 53 ? { limit: reach } : {}),
    ...(offset === 0 ? {} : { offset }),
    ...(behind === undefined || behind.ids.length === 0
      ? {}
      : { iommu: { unit: nodeName(behind), ids: behind.ids } }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
  };
}
