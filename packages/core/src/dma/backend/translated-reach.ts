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
import type { DeviceTranslation, Snooping, Translation } from "../../iommu/translation.ts";
import type { Trace } from "../../sim/trace.ts";
import type { DmaDevice } from "../dma-device.ts";
import type { Reached } from "./dma-backend.ts";
import { ReachedParts } from "./reached-parts.ts";

/** A stretch of bus addresses. */
export interface BusStretch {
  readonly address: number;
  /** Bytes. */
  readonly length: number;
  /** The PASID or SubstreamID that accesses to it carry; default none. */
  readonly substream?: number | undefined;
}

/** A device at work: what it does, and the event that shows it. */
export interface DeviceWork {
  readonly kind: AccessKind;
  /** Sequence number of the event. */
  readonly event: number;
}

/** Input addresses that no bus has begin here. */
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
  const parts = new ReachedParts();
  for (const { address, length, route } of translatedRuns(device, translation, stretches, own, work, trace))
    parts.add(route, address, address + length);
  return parts.all;
}

/** A stretch behind a translation, and the way from there. */
export interface TranslatedRun extends BusStretch {
  readonly route: Route;
}

/** What comes out of a translation for stretches that go in, in order, up to the first address that faults; with its events. What ends inside of the device is left out. */
export function* translatedRuns(
  device: DmaDevice,
  translation: DeviceTranslation,
  stretches: Iterable<BusStretch>,
  own: Route,
  work: DeviceWork,
  trace: Trace,
): Generator<TranslatedRun, void, undefined> {
  const access = work.kind === "read" ? IommuProt.READ : IommuProt.WRITE;
  let missing: string | null = null;
  let wasUnsnooped = false;
  for (const { address, length, substream } of stretches) {
    const end = address + length;
    if (!(address >= 0)) throw new TypeError(`${device.name}: ${address} is not an address that it can use`);
    for (let at = address; at < end; ) {
      if (at >= PAST) return fault(device, at, "past the addresses of any bus", work, trace);
      const answer = translation.translate(at, access, substream);
      if (answer.missing !== null && answer.missing !== missing) {
        // While it waits in a flush queue no instruction is missing: it comes later, and the device should have stopped (I-5).
        const queued = translation === device.translation && device.iommu?.waitsForFlush(at) === true;
        if (!queued || answer.fault === null)
          stale(device, at, answer, queued ? "" : answer.missing, work, trace);
      }
      missing = answer.missing;
      if (answer.fault !== null) {
        fault(device, at, answer.fault, work, trace);
        return;
      }
      const stop = Math.min(end, answer.end, PAST);
      if (stop <= at)
        throw new TypeError(`${device.name}: the answer for 0x${at.toString(16)} holds for nothing`);
      if (answer.inside !== true) {
        const route = routeOf(device, answer.snooping, own);
        if (answer.snooping === "never" && isTrustedToSnoop(device) && !wasUnsnooped) {
          trace.emitCaused(work.event, unsnoopedMapping, trace.intern(device.name), at);
          wasUnsnooped = true;
        }
        yield {
          address: answer.address,
          length: stop - at,
          route,
          substream: answer.substream ?? substream,
        };
      }
      at = stop;
    }
  }
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
  { address, fault: refusal }: Translation,
  missing: string,
  { kind, event }: DeviceWork,
  trace: Trace,
): void {
  const [name, what, why] = [trace.intern(device.name), trace.intern(missing), trace.intern(refusal ?? "")];
  trace.emitCaused(event, staleTranslation, name, at, address, kind === "read" ? 0 : 1, what, why);
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
