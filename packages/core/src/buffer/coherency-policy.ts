// SPDX-License-Identifier: MIT
import type { AccessKind } from "../coherency/operation.ts";
import type { Route } from "../coherency/topology.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import type { SgMapping } from "../dma/mapping.ts";
import type { OwnAddresses } from "../dma/own-addresses.ts";
import type { Extents } from "../memory/extents.ts";
import { token } from "../token.ts";
import type { Attachment } from "./attachment.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** Who keeps devices coherent in the running system. */
export const COHERENCY_POLICY = token<CoherencyPolicy>("core", "CoherencyPolicy");

/** One transfer of a device. */
export interface Transfer {
  readonly buffer: DmaBuf;
  readonly device: DmaDevice;
  /** How the device came to the buffer; null for the exporter's own device. */
  readonly attachment: Attachment | null;
  /** How the device is given the memory; null where nothing was mapped for it, as for most exporters' own devices. */
  readonly mapping: SgMapping | null;
  readonly kind: AccessKind;
  /** The part of the buffer that it touches. */
  readonly extents: Extents;
  /** Byte of the buffer at which that part begins; default 0. */
  readonly offset?: number;
  /** How its accesses reach memory. */
  readonly route: Route;
  /** Where the device itself has addresses; default none: it uses those that the mapping has. */
  readonly own?: OwnAddresses;
}

/**
 * Who keeps devices coherent with each other: the question that Linux leaves undefined and its developers disagree
 * about (D40 to D45). Begin and end are plain functions, because they run where a fence is being signalled (D41).
 */
export interface CoherencyPolicy {
  /** Its name on the command line. */
  readonly name: string;
  /** Called before a device joins a buffer; throws `KernelError` to refuse it. */
  attach(buffer: DmaBuf, device: DmaDevice): void;
  /** Whether mapping and unmapping an attachment performs the DMA API's maintenance where the exporter asks for it. */
  syncsAtMap(attachment: Attachment): boolean;
  /** Called before the device starts. */
  beginAccess(transfer: Transfer): void;
  /** Called when the device is done, before the fence is signalled. */
  endAccess(transfer: Transfer): void;
  /** What the policy takes for granted about a buffer's users, in sentences; shown with the verdict. */
  assumptions(buffer: DmaBuf): readonly string[];
}
