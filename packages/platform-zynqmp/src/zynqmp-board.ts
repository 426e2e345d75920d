// SPDX-License-Identifier: MIT
import { type BoardDescription, board, type DeviceDescription, type PoolDescription } from "@dmabuf/core";
import type { MachineFacts, MachineMaster } from "@dmabuf/devicetree";

/** A master of the processing system, known by where its registers are (UG1085, address map). */
interface KnownMaster {
  readonly name: string;
  /** Address bits that its driver asks for, where that is less than 64. */
  readonly bits?: number;
  readonly bandwidth?: string;
}

const known: Readonly<Record<number, KnownMaster>> = {
  4263510016: { name: "usb0", bandwidth: "400MiB" },
  4264558592: { name: "usb1", bandwidth: "400MiB" },
  4278910976: { name: "gem0", bits: 44, bandwidth: "119MiB" },
  4278976512: { name: "gem1", bits: 44, bandwidth: "119MiB" },
  4279042048: { name: "gem2", bits: 44, bandwidth: "119MiB" },
  4279107584: { name: "gem3", bits: 44, bandwidth: "119MiB" },
  4249485312: { name: "dp", bits: 44 },
  4249616384: { name: "dpdma", bits: 44 },
  4249550848: { name: "gpu", bits: 32 },
  4245422080: { name: "sata", bandwidth: "550MiB" },
  4245553152: { name: "pcie" },
  4249878528: { name: "fpd-dma", bits: 44, bandwidth: "2GiB" },
  4279631872: { name: "sd0" },
  4279697408: { name: "sd1" },
};

/**
 * A board from a Zynq UltraScale+ device tree: its enabled masters under the names of the hardware manual where their
 * registers are known (`usb0`, `gem3`, `dp`), else under the name of their node. Coherency is what the tree says; a
 * coherent master of the processing system goes through the CCI, which snoops and keeps nothing. What is in the fabric
 * is not in the tree: lay it over with `overlaid`. A tree without RAM gets the 2 GiB that every board has at 0.
 */
export function zynqmpBoard(machine: MachineFacts): BoardDescription {
  const devices: Record<string, DeviceDescription> = {};
  for (const master of machine.masters) devices[nameFor(master, devices)] = deviceFrom(master);
  const pools = machine.pools.flatMap(({ kind, base, size, path }): PoolDescription[] => {
    const name = path.split("/").at(-1) ?? path;
    if (kind === "cma") return [{ kind, size, name, ...(base === null ? {} : { base }) }];
    return base === null ? [] : [{ kind: "carve-out", size, base, name }];
  });
  // Every Linux has a default CMA pool, whether or not the tree names one; this is the size of `cma=256M`.
  if (!pools.some(({ kind }) => kind === "cma")) pools.push({ kind: "cma", size: "256MiB" });
  return board({
    model: machine.model ?? "Zynq UltraScale+",
    memory: machine.ram.length > 0 ? machine.ram : [{ base: 0, size: "2GiB" }],
    pools,
    devices,
    source: "device tree",
  });
}

function nameFor({ base, path }: MachineMaster, taken: Readonly<Record<string, unknown>>): string {
  const name = (base === null ? undefined : known[base]?.name) ?? path.split("/").at(-1) ?? path;
  if (taken[name] === undefined) return name;
  for (let i = 2; ; i++) if (taken[`${name}-${i}`] === undefined) return `${name}-${i}`;
}

function deviceFrom({ class: deviceClass, coherent, base, limit, offset }: MachineMaster): DeviceDescription {
  const { bits = 64, bandwidth } = (base === null ? undefined : known[base]) ?? { name: "" };
  const reach = Math.min(limit === null ? Number.POSITIVE_INFINITY : limit - offset, 2 ** bits);
  return {
    class: deviceClass,
    coherent,
    port: coherent ? "snoop" : "direct",
    ...(reach < 2 ** 53 ? { limit: reach } : {}),
    ...(offset === 0 ? {} : { offset }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
  };
}
