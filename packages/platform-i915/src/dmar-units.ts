// SPDX-License-Identifier: MIT
import {
  AssemblyError,
  type BoardDescription,
  type DeviceDescription,
  type Plugin,
  parseSize,
} from "@dmabuf/core";
import { type VtdOptions, vtd } from "@dmabuf/iommu-vtd";

/** How a machine's remapping units are used: flushed strictly or lazily; or lazily, and the graphics unit off. */
export type VtdChoice = "strict" | "lazy" | "igfx-off";

/** The remapping units of a machine, as its DMAR table lists them: one for graphics alone, one for all the rest. */
export interface DmarUnits {
  readonly graphics: VtdOptions;
  readonly rest: VtdOptions;
  /** Requester ids of the devices behind the other unit, by name. */
  readonly ids: Readonly<Record<string, number>>;
}

/** A machine with its units on. */
interface Translated {
  readonly board: BoardDescription;
  readonly plugins: readonly Plugin[];
}

/** 00:02.0, on every machine with integrated graphics. */
const IGD = 0x10;
const GRAPHICS = "dmar0";
const REST = "dmar1";

/**
 * Puts the devices of a board behind its units. The GPU's firmware memory, which is what was stolen for it, is mapped to itself
 * (RMRR). Throws `AssemblyError` for a device without a requester id.
 * @param snoop what makes accesses snoop that ask for no snoop, see `VtdOptions`
 */
export function behindUnits(
  board: BoardDescription,
  { graphics, rest, ids }: DmarUnits,
  choice: VtdChoice,
  snoop: VtdOptions["snoop"] = "enforced",
): Translated {
  const domain = choice === "strict" ? "strict" : "lazy";
  const behind = (name: string, device: DeviceDescription): DeviceDescription => {
    if (name === "gpu" || name === "display")
      return { ...device, iommu: { unit: GRAPHICS, ids: [IGD], domain } };
    const id = ids[name];
    if (id === undefined) throw new AssemblyError(`${board.model}: nobody knows the requester id of ${name}`);
    return { ...device, iommu: { unit: REST, ids: [id], domain } };
  };
  const stolen = (board.pools ?? []).flatMap((pool) =>
    pool.kind === "carve-out" && pool.driver === "i915"
      ? [{ ids: [IGD], base: pool.base, size: parseSize(pool.size) }]
      : [],
  );
  const devices = Object.entries(board.devices).map(([name, device]) => [name, behind(name, device)]);
  const igfxOff = choice === "igfx-off";
  return {
    board: { ...board, devices: Object.fromEntries(devices) },
    plugins: [
      vtd(GRAPHICS, { scope: [IGD], rmrr: stolen, igfxOff, snoop, ...graphics }),
      vtd(REST, { snoop, ...rest }),
    ],
  };
}
