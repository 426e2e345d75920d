// SPDX-License-Identifier: MIT
import { type DomainType, domainTypes } from "../iommu/domain-type.ts";
import { nearestName } from "../nearest-name.ts";
import type { BoardDescription, DeviceDescription } from "./board.ts";

/** An IOMMU of a board: a plugin provides it under its name. */
export interface IommuDescription {
  /** What it is, `"mmu-500"` or `"smmu-v3"`, for whoever chooses its plugin; default nobody needs to know. */
  readonly kind?: string;
  /** Whether firmware lets the kernel use it (`status`); default yes. Behind one that is not, devices run untranslated. */
  readonly enabled?: boolean;
}

/** Where a device is behind an IOMMU. */
export interface DeviceIommuDescription {
  /** Name of the IOMMU, one that a plugin provides. */
  readonly unit: string;
  /** What its transactions carry: stream ids, requester ids. It uses the first; all are mapped for. */
  readonly ids: readonly number[];
  /** The domain that it begins with; default `strict`. */
  readonly domain?: DomainType;
}

/** Where a device is behind an IOMMU that is a plugin's, or null. */
export const unitOf = ({ iommu }: DeviceDescription): DeviceIommuDescription | null =>
  typeof iommu === "object" ? iommu : null;

/** Whether a board has the IOMMU that a device names switched on. */
export const isEnabled = ({ iommus = {} }: BoardDescription, unit: string): boolean =>
  iommus[unit]?.enabled !== false;

type Fail = (field: string, reason: string) => never;

const text = (value: unknown): string => (typeof value === "string" ? `"${value}"` : String(value));

/** Checks what a device says of its IOMMU. */
export function demandIommu(name: string, { iommu }: DeviceDescription, fail: Fail): void {
  if (iommu === undefined) return;
  const field = `devices.${name}.iommu`;
  if (typeof iommu === "string") {
    if (iommu !== "strict" && iommu !== "lazy") fail(field, `"${iommu}" is neither strict nor lazy`);
    return;
  }
  if (typeof iommu !== "object" || iommu === null)
    fail(field, `${text(iommu)} is neither strict nor lazy nor { unit, ids }`);
  const { unit, ids, domain = "strict" } = iommu;
  if (typeof unit !== "string" || unit === "") fail(`${field}.unit`, "an IOMMU needs a name");
  if (!Array.isArray(ids)) fail(`${field}.ids`, "a list of ids is needed: [0x10]");
  if (ids.length === 0)
    fail(`${field}.ids`, "without an id the IOMMU cannot tell whose transactions these are");
  ids.forEach((id, i) => {
    if (!Number.isInteger(id) || id < 0 || id >= 2 ** 32) fail(`${field}.ids[${i}]`, `${id} is not an id`);
  });
  if (!domainTypes.includes(domain))
    fail(`${field}.domain`, `"${domain}" is neither ${domainTypes.join(" nor ")}`);
}

/** Checks a board's IOMMUs, and that those are switched on that devices cannot do without. */
export function demandIommus(description: BoardDescription, fail: Fail): void {
  const { iommus = {}, devices } = description;
  const units = Object.values(devices).flatMap((device) => unitOf(device)?.unit ?? []);
  for (const [unit, { kind, enabled = true }] of Object.entries(iommus)) {
    if (typeof enabled !== "boolean")
      fail(`iommus.${unit}.enabled`, `${text(enabled)} is neither true nor false`);
    if (kind === undefined && !units.includes(unit))
      fail(`iommus.${unit}`, `no device is behind it${nearestName(unit, units)}`);
  }
  for (const [name, device] of Object.entries(devices)) {
    const unit = unitOf(device)?.unit;
    if (device.untrusted !== true || unit === undefined || isEnabled(description, unit)) continue;
    const reason = `nothing but an IOMMU can keep a device out, and ${unit} is switched off`;
    fail(`devices.${name}.untrusted`, reason);
  }
}
