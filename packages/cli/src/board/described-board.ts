// SPDX-License-Identifier: MIT
import { type Platform, parseSize } from "@dmabuf/core";
import { type BoardFacts, type DeviceClass, shareMatrix } from "@dmabuf/devicetree";

/** The facts of a built-in board, in the form in which a device tree gives them; a device's name is its path. */
export function describedBoard(platform: Platform): BoardFacts {
  const { model, memory, pools = [], devices } = platform.board;
  const behind = hasCacheBehind(platform);
  const ram = memory.map(({ base, size }) => ({ base, size: parseSize(size) }));
  const masters = Object.entries(devices).map(([path, { class: kind, coherent, limit, offset = 0 }]) => ({
    path,
    class: kind as DeviceClass,
    coherent,
    coherentFrom: null,
    iommus: [],
    limit: limit === undefined ? null : parseSize(limit) + offset,
    offset,
    memoryRegions: [],
  }));
  const sharers = masters.map(({ path, coherent: told, limit, offset }) => {
    // What sharing takes depends on what the hardware does, not on what Linux is told.
    const port = devices[path]?.port ?? (told ? "snoop-allocate" : "direct");
    return {
      allocates: behind || port === "snoop-allocate",
      path,
      coherent: port !== "direct",
      translated: false,
      windows: limit === null ? null : [{ bus: 0, cpu: offset, size: limit - offset }],
      restrictedTo: null,
    };
  });
  return {
    schema: 1,
    model,
    compatible: [],
    masters,
    iommus: [],
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

/** Whether a write that snoops may stay in a cache behind the one that it snoops. */
function hasCacheBehind({ plugins }: Platform): boolean {
  const arch = plugins.find(({ provides }) => provides.arch !== undefined)?.provides.arch?.();
  return arch?.domains[arch.cpuDomain]?.behind !== undefined;
}
