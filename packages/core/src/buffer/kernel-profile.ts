// SPDX-License-Identifier: MIT
import { token } from "../token.ts";

/** The kernel that runs. */
export const KERNEL_PROFILE = token<KernelProfile>("core", "KernelProfile");

/** Behaviour that changed between kernel versions, one field a change. */
export interface KernelProfile {
  readonly name: string;
  /** Core keeps the first mapping of an attachment when the exporter asks for it (B-35, B-38); removed in 6.16. */
  readonly coreCachesMappings: boolean;
  /** udmabuf maps with `DMA_ATTR_SKIP_CPU_SYNC`, so that attaching cleans nothing (U-7). */
  readonly udmabufMapSkipsSync: boolean;
  /** `begin_cpu_access` does the exporter's maintenance before it waits for fences (B-51). */
  readonly maintainsBeforeWaiting: boolean;
  /** What debugfs prints of fences: driver, timeline and seqno, or context and seqno with names while they last (F-26). */
  readonly bufinfo: "6.12" | "7.2";
  /** The names of a fence's driver and timeline are gone when it has signaled (F-26); from 6.17 on. */
  readonly fenceNamesEndAtSignal: boolean;
  /** Drivers can take addresses first and link memory later (I-20); from 6.16 on. */
  readonly iovaLinks: boolean;
  /** Unmapping a part of a block splits it (M-26), or is refused; from 6.14 on. */
  readonly partialBlocks: "split" | "refuse";
  /** Attaching looks at what the devices can take together; proposed in 2015 (PR-10 to PR-12), in no kernel. */
  readonly constrainsAttach: boolean;
}

/** Debian's 6.12.117, whose answers are recorded. */
export const linux612: KernelProfile = {
  name: "linux612",
  coreCachesMappings: true,
  udmabufMapSkipsSync: true,
  maintainsBeforeWaiting: true,
  bufinfo: "6.12",
  fenceNamesEndAtSignal: false,
  iovaLinks: false,
  partialBlocks: "split",
  constrainsAttach: false,
};

/** Debian's 7.2.13: exporters that want a cached mapping keep it themselves. */
export const linux72: KernelProfile = {
  ...linux612,
  name: "linux72",
  coreCachesMappings: false,
  bufinfo: "7.2",
  fenceNamesEndAtSignal: true,
  iovaLinks: true,
  partialBlocks: "refuse",
};

/** 7.2 with what has been proposed and not merged: the bracket waits first, udmabuf's map syncs, devices' constraints count. */
export const proposed: KernelProfile = {
  ...linux72,
  name: "proposed",
  udmabufMapSkipsSync: false,
  maintainsBeforeWaiting: false,
  constrainsAttach: true,
};

/** The profiles by name. */
export const kernelProfiles: Readonly<Record<string, KernelProfile>> = { linux612, linux72, proposed };
