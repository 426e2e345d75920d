// SPDX-License-Identifier: MIT
import { type BoardDescription, type DeviceDescription, type Platform, parseSize } from "@dmabuf/core";
import { type BoardFacts, type DeviceClass, shareMatrix } from "@dmabuf/devicetree";

type Iommus = NonNullable<BoardDescription["iommus"]>;

/** The facts of a built-in board, in the form in which a device tree gives them; a device's name is its path. */
export function describedBoard(platform: Platform): BoardFacts {
  const { model, memory, pools = [], devices, iommus = {} } = platform.board;
  const behind = hasCacheBehind(platform);
  const ram = memory.map(({ base, size }) => ({ base, size: parseSize(size) }));
  const masters = Object.entries(devices).map(([path, device]) => ({
    path,
    class: device.class as DeviceClass,
    coherent: device.coherent,
    coherentFrom: null,
    iommus: unitsOf(device, iommus),
    limit: device.limit === undefined ? null : parseSize(device.limit) + (device.offset ?? 0),
    offset: device.offset ?? 0,
    memoryRegions: [],
  }));
  const sharers = masters.map(({ path, coherent: told, limit, offset, iommus: units }) => {
    // What sharing takes depends on what the hardware does, not on what Linux is told.
    const port = devices[path]?.port ?? (told ? "snoop-allocate" : "direct");
    return {
      allocates: behind || port === "snoop-allocate",
      path,
      coherent: port !== "direct",
      translated: units.length > 0 || typeof devices[path]?.iommu === "string",
      windows: limit === null ? null : [{ bus: 0, cpu: offset, size: limit - offset }],
      restrictedTo: null,
    };
  });
  return {
    schema: 1,
    model,
    compatible: [],
    masters,
    iommus: unitsOfBoard(platform.board),
    pools: pools.map(({ kind, base, size, name }, i) => ({
      path: name ?? `${kind}-${i}`,
      // No device tree says who is trusted.
      kind: kind === "protected" ? "carve-out" : kind,
      base: base ?? null,
      size: parseSize(size),
    })),
    ram,
    sharing: shareMatrix(sharers, ram),
    assumed: [],
  };
}

/** The IOMMU that is before a device and switched on, as a list of one. */
const unitsOf = ({ iommu }: DeviceDescription, known: Iommus): { path: string; ids: readonly number[] }[] =>
  typeof iommu === "object" && known[iommu.unit]?.enabled !== false
    ? [{ path: iommu.unit, ids: iommu.ids }]
    : [];

/** Those that the board tells of, and those that devices name. */
function unitsOfBoard({ devices, iommus = {} }: BoardDescription): BoardFacts["iommus"] {
  const named = Object.values(devices).flatMap(({ iommu }) =>
    typeof iommu === "object" ? [iommu.unit] : [],
  );
  return [...new Set([...Object.keys(iommus), ...named])].map((path) => ({
    path,
    kind: iommus[path]?.kind ?? "iommu",
    enabled: iommus[path]?.enabled !== false,
  }));
}

/** Whether a write that snoops may stay in a cache behind the one that it snoops. */
function hasCacheBehind({ plugins }: Platform): boolean {
  const arch = plugins.find(({ provides }) => provides.arch !== undefined)?.provides.arch?.();
  return arch?.domains[arch.cpuDomain]?.behind !== undefined;
}
