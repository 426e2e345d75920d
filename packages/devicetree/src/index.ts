// SPDX-License-Identifier: MIT
export type { Architecture } from "./architecture.ts";
export { type BoardFacts, describeBoard, type MasterFacts } from "./board.ts";
export type { CpuFacts } from "./cpu.ts";
export type { DeviceClass } from "./device-class.ts";
export type { DeviceNode } from "./device-node.ts";
export { type DeviceTree, readDeviceTree } from "./device-tree.ts";
export type { DmaWindow } from "./dma-range.ts";
export type { IommuFacts, IommuUse } from "./iommu.ts";
export { describeMachine, type MachineFacts, type MachineMaster } from "./machine.ts";
export type { OuterCacheFacts } from "./outer-cache.ts";
export type { PoolFacts, PoolKind } from "./pool.ts";
export type { Property } from "./property.ts";
export type { MemoryRange } from "./reserve-map.ts";
export { type Sharer, type ShareVerdict, type Sharing, shareMatrix } from "./sharing.ts";
export { type SocDescription, type SocMaster, socBoard } from "./soc-board.ts";
