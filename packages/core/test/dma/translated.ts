// SPDX-License-Identifier: MIT
import {
  assemble,
  type BoardDescription,
  type DeviceDescription,
  type IommuMode,
  type Platform,
  type Plugin,
  type System,
} from "../../src/index.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";

/** A device that is behind an IOMMU, strict by default; null for none. */
type Translated = Partial<Omit<DeviceDescription, "iommu">> & { readonly iommu?: IommuMode | null };

/** A board of 16 MiB with devices of one's own, of a toy architecture. */
export function translatedPlatform(
  devices: Readonly<Record<string, Translated>>,
  rest: Partial<BoardDescription> = {},
  plugins: readonly Plugin[] = [],
): Platform {
  const described = Object.entries(devices).map(
    ([name, { iommu = "strict", ...given }]): [string, DeviceDescription] => [
      name,
      { class: "dma", coherent: false, ...given, ...(iommu === null ? {} : { iommu }) },
    ],
  );
  return assemble(
    {
      model: "translated",
      memory: [{ base: 0, size: "16MiB" }],
      devices: Object.fromEntries(described),
      ...rest,
    },
    [toyArch(), ...plugins],
  );
}

/** A system of such a board. */
export const translatedSystem = (...of: Parameters<typeof translatedPlatform>): System =>
  translatedPlatform(...of).boot();
