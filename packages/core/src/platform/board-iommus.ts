// SPDX-License-Identifier: MIT
import type { DmaTranslation } from "../dma/dma-translation.ts";
import { WindowTranslation } from "../dma/window-translation.ts";
import { AssemblyError, KernelError } from "../error.ts";
import type { DomainType } from "../iommu/domain-type.ts";
import { IommuGroup } from "../iommu/iommu-group.ts";
import { iommuGroup } from "../iommu/iommu-trace.ts";
import type { IommuUnit } from "../iommu/iommu-unit.ts";
import { PlainTable } from "../iommu/plain-table.ts";
import { StackedTranslation } from "../iommu/stacked-translation.ts";
import type { DeviceTranslation } from "../iommu/translation.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { BoardDescription, DeviceDescription } from "./board.ts";
import { DeviceIommu, type DeviceIommuOptions } from "./device-iommu.ts";
import { windowsOf } from "./device-windows.ts";
import { type DeviceIommuDescription, isEnabled, unitOf } from "./iommu-description.ts";

/** Input addresses of an IOMMU without a format: 48 bits, as most have. */
const APERTURE = 2 ** 48;

/** What a device of a board has of IOMMUs. */
export interface BehindIommu {
  readonly iommu: DmaTranslation | null;
  readonly translation: DeviceTranslation | null;
  /** Called before the DMA API uses it without an IOMMU (M-4). */
  readonly useDmaApi?: () => void;
}

const nothing: BehindIommu = { iommu: null, translation: null };

/** What boots with the IOMMUs. */
interface Hands {
  readonly simulation: Simulation;
  /** The IOMMU of a plugin by its name. */
  readonly unit: (name: string) => IommuUnit;
  /** Takes care that what is made is disposed of. */
  readonly owned: <T>(made: T) => T;
}

/** The IOMMUs of a board that boots, and which device is behind which. */
export class BoardIommus {
  readonly #board: BoardDescription;
  readonly #hands: Hands;
  readonly #groups = new Map<string, IommuGroup>();
  readonly #iommus = new Map<string, DmaTranslation | null>();
  readonly #plain = new Map<string, BehindIommu>();
  /** What stands in its IOMMU's hardware for each of a device's ids. */
  readonly #known = new Map<string, readonly number[]>();

  constructor(board: BoardDescription, hands: Hands) {
    this.#board = board;
    this.#hands = hands;
    for (const names of this.#groupsOf(board)) this.#makeGroup(names);
  }

  /** The group that a device is in, or null where no IOMMU of a plugin is before it. */
  group(name: string): IommuGroup | null {
    return this.#groups.get(name) ?? null;
  }

  /** What a device goes through. */
  of(name: string, device: DeviceDescription): BehindIommu {
    const { iommu: asked, function: of = name, untrusted = false } = device;
    if (asked === undefined) return nothing;
    if (typeof asked === "object") return this.#behindUnit(name, device, asked);
    const known = this.#plain.get(of);
    if (known !== undefined) return known;
    const table = new PlainTable({ end: APERTURE });
    const iommu = this.#dmaIommu(asked, untrusted, device, { table: () => table });
    const behind: BehindIommu = { iommu, translation: table };
    this.#plain.set(of, behind);
    return behind;
  }

  #behindUnit(name: string, device: DeviceDescription, { ids }: DeviceIommuDescription): BehindIommu {
    const group = this.#groups.get(name);
    if (group === undefined) return nothing;
    const iommu = this.#iommus.get(name) ?? null;
    const translation = group.unit.translation(ids[0] as number);
    if (iommu !== null) return { iommu, translation };
    return {
      iommu,
      translation: new StackedTranslation(translation, new WindowTranslation(windowsOf(device))),
      useDmaApi: () => group.useDefaultDomain(),
    };
  }

  #makeGroup(names: readonly string[]): void {
    const { devices } = this.#board;
    const described = names.map((name) => devices[name] as DeviceDescription);
    const first = described[0] as DeviceDescription;
    const behind = unitOf(first) as DeviceIommuDescription;
    const { simulation, unit: unitNamed } = this.#hands;
    const unit = unitNamed(behind.unit);
    const ids = [...new Set(described.flatMap((device) => unitOf(device)?.ids ?? []))];
    const untrusted = described.some((device) => device.untrusted === true);
    const master = { devices: names, ids, untrusted };
    const wanted = unit.defaultDomainType?.(master) ?? null;
    if (untrusted && wanted === "identity")
      throw new AssemblyError(`${names.join(" and ")}: untrusted, but ${unit.kind} must let it through`);
    const type = untrusted ? "strict" : (wanted ?? askedType(names, described, behind.unit));
    const group = new IommuGroup(unit, master, type);
    const shared = this.#sharedId(names);
    const isMixed = new Set(described.map((device, i) => device.function ?? names[i])).size > 1;
    // When the DMA API first uses it and not before: at boot nobody listens yet.
    const used = (): void => {
      group.useDefaultDomain();
      const { trace } = simulation;
      if (shared !== undefined && isMixed)
        trace.emit(iommuGroup, trace.intern(behind.unit), trace.intern(names.join(", ")), shared);
    };
    const reserved = unit.reservedRegions?.(master) ?? [];
    const make = { table: group.defaultTable, used, reserved };
    const iommu = type === "identity" ? null : this.#dmaIommu(type, untrusted, first, make);
    if (reserved.some(({ kind }) => kind.startsWith("direct"))) iommu?.prepare();
    for (const [i, name] of names.entries()) {
      this.#groups.set(name, group);
      this.#iommus.set(name, iommu?.through(windowsOf(described[i] as DeviceDescription)) ?? null);
    }
  }

  #dmaIommu(
    mode: "strict" | "lazy",
    untrusted: boolean,
    device: DeviceDescription,
    make: Pick<DeviceIommuOptions, "table" | "used" | "reserved">,
  ): DeviceIommu {
    const { iovaPolicy: policy = "linux" } = this.#board;
    const { simulation, owned } = this.#hands;
    return owned(
      new DeviceIommu({ mode, untrusted, policy, simulation, windows: windowsOf(device), ...make }),
    );
  }

  /** The first id of a device that the IOMMU cannot tell from one of another's, or undefined. */
  #sharedId(names: readonly string[]): number | undefined {
    const counts = new Map<number, number>();
    for (const name of names)
      for (const known of new Set(this.#known.get(name))) counts.set(known, (counts.get(known) ?? 0) + 1);
    for (const name of names) {
      const index = this.#known.get(name)?.findIndex((known) => (counts.get(known) ?? 0) > 1) ?? -1;
      if (index >= 0) return unitOf(this.#board.devices[name] as DeviceDescription)?.ids[index];
    }
    return undefined;
  }

  /** What stands for a device's ids in its IOMMU. Throws `AssemblyError` for ids that it has no room for. */
  #probed(name: string, { unit, ids }: DeviceIommuDescription): readonly number[] {
    try {
      return this.#hands.unit(unit).probe?.(name, ids) ?? ids;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      throw new AssemblyError(`${this.#board.model}: ${name} cannot be behind ${unit}: ${error.message}`);
    }
  }

  /** Names of devices that share a function or an id of the same IOMMU, where that is switched on (M-2). */
  #groupsOf(board: BoardDescription): string[][] {
    const groups: { names: string[]; keys: Set<string> }[] = [];
    for (const [name, device] of Object.entries(board.devices)) {
      const behind = unitOf(device);
      if (behind === null || !isEnabled(board, behind.unit)) continue;
      const known = this.#probed(name, behind);
      this.#known.set(name, known);
      const keys = new Set(known.map((id) => `${behind.unit} ${id}`));
      if (device.function !== undefined) keys.add(`function ${device.function}`);
      const joined = groups.filter((group) => [...keys].some((key) => group.keys.has(key)));
      const into = joined[0] ?? { names: [], keys: new Set<string>() };
      if (joined.length === 0) groups.push(into);
      for (const other of joined.slice(1)) {
        into.names.push(...other.names);
        for (const key of other.keys) into.keys.add(key);
        groups.splice(groups.indexOf(other), 1);
      }
      into.names.push(name);
      for (const key of keys) into.keys.add(key);
    }
    const order = Object.keys(board.devices);
    return groups.map(({ names }) => names.sort((a, b) => order.indexOf(a) - order.indexOf(b)));
  }
}

/** The domain that a group's devices ask for. Throws `AssemblyError` when they do not agree. */
function askedType(
  names: readonly string[],
  devices: readonly DeviceDescription[],
  unit: string,
): DomainType {
  const asked = new Set(devices.flatMap((device) => unitOf(device)?.domain ?? []));
  if (asked.size > 1) {
    const types = [...asked].join(" and ");
    throw new AssemblyError(`${names.join(" and ")}: one group of ${unit}, which cannot be ${types}`);
  }
  return [...asked][0] ?? "strict";
}
