// SPDX-License-Identifier: MIT
import type { AccessKind } from "../../coherency/operation.ts";
import type { Route } from "../../coherency/topology.ts";
import { IommuProt } from "../../iommu/iommu-prot.ts";
import {
  ioPageFault,
  staleTranslation,
  translationFault,
  unsnoopedMapping,
} from "../../iommu/iommu-trace.ts";
import type { Snooping, Translation } from "../../iommu/translation.ts";
import { Extents } from "../../memory/extents.ts";
import type { Trace } from "../../sim/trace.ts";
import type { DmaDevice } from "../dma-device.ts";
import type { Reached } from "./dma-backend.ts";

/** A stretch of bus addresses. */
export interface BusStretch {
  readonly address: number;
  /** Bytes. */
  readonly length: number;
}

/** A device at work: what it does, and the event that shows it. */
export interface DeviceWork {
  readonly kind: AccessKind;
  /** Sequence number of the event. */
  readonly event: number;
}

/** Input address that no bus has: where what nobody translates is looked at again. */
const PAST = 2 ** 52;

/**
 * The physical memory that a device gets at when it uses bus addresses one after the other, by whatever translates them, and the
 * way it takes there. It ends at the first address that faults, with the event `iommu:io_page_fault`. What is reached although
 * it is unmapped leaves an event, too.
 * @param own the way that the device's accesses take where nothing decides otherwise
 */
export function translatedReach(
  device: DmaDevice,
  stretches: Iterable<BusStretch>,
  own: Route,
  work: DeviceWork,
  trace: Trace,
): readonly Reached[] {
  const { translation } = device;
  if (translation === undefined || translation === null)
    throw new TypeError(`${device.name} is not translated`);
  const access = work.kind === "read" ? IommuProt.READ : IommuProt.WRITE;
  const parts: { route: Route; pairs: number[] }[] = [];
  let missing: string | null = null;
  let wasUnsnooped = false;
  for (const { address, length } of stretches) {
    const end = address + length;
    for (let at = address; at < end; ) {
      const answer = translation.translate(at, access);
      if (answer.fault !== null) {
        const also = answer.missing === null ? "" : `, by what it remembers; missing: ${answer.missing}`;
        fault(device, at, answer.fault + also, work, trace);
        return reached(parts);
      }
      if (answer.missing !== null && answer.missing !== missing) stale(device, at, answer, work, trace);
      missing = answer.missing;
      const stop = Math.min(end, answer.end, PAST);
      const route = routeOf(device, answer.snooping, own);
      if (answer.snooping === "never" && isTrustedToSnoop(device) && !wasUnsnooped) {
        trace.emitCaused(work.event, unsnoopedMapping, trace.intern(device.name), at);
        wasUnsnooped = true;
      }
      let part = parts.at(-1);
      if (part?.route !== route) {
        part = { route, pairs: [] };
        parts.push(part);
      }
      const { pairs } = part;
      if (pairs.at(-1) === answer.address) pairs[pairs.length - 1] = answer.address + stop - at;
      else pairs.push(answer.address, answer.address + stop - at);
      at = stop;
    }
  }
  return reached(parts);
}

/** Whether nobody maintains caches for the device, since it could snoop. */
const isTrustedToSnoop = ({ coherent, snoopedRoute }: DmaDevice): boolean =>
  coherent && snoopedRoute !== undefined && snoopedRoute.kind !== "direct";

/** The way of an access whose mapping has a say. */
function routeOf({ snoopedRoute, unsnoopedRoute }: DmaDevice, snooping: Snooping, own: Route): Route {
  if (snooping === "never") return unsnoopedRoute ?? own;
  return snooping === "always" && own.kind === "direct" ? (snoopedRoute ?? own) : own;
}

function stale(
  device: DmaDevice,
  at: number,
  answer: Translation,
  { kind, event }: DeviceWork,
  trace: Trace,
): void {
  const name = trace.intern(device.name);
  // With a flush queue it is not an instruction that is missing: it comes later, and the device should have stopped (I-5).
  const missing = trace.intern(device.iommu?.domain.isLazy === true ? "" : (answer.missing ?? ""));
  trace.emitCaused(event, staleTranslation, name, at, answer.address, kind === "read" ? 0 : 1, missing);
}

function fault(
  device: DmaDevice,
  iova: number,
  reason: string,
  { kind, event }: DeviceWork,
  trace: Trace,
): void {
  const name = trace.intern(device.name);
  const cause = trace.emitCaused(event, translationFault, name, iova, trace.intern(reason));
  const flags = kind === "write" ? 1 : 0;
  trace.emitCaused(cause, ioPageFault, name, trace.intern(device.class), iova, flags);
}

const reached = (parts: readonly { route: Route; pairs: readonly number[] }[]): readonly Reached[] =>
  parts.map(({ route, pairs }) => ({ route, extents: new Extents(Float64Array.from(pairs)) }));
