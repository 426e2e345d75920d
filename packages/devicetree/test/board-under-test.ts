// SPDX-License-Identifier: MIT
import { type BoardFacts, describeBoard, type MasterFacts } from "../src/board.ts";
import { type DeviceTree, readDeviceTree } from "../src/device-tree.ts";
import { describeMachine, type MachineFacts, type MachineMaster } from "../src/machine.ts";
import { assemble, type Tree } from "./fdt-assembler.ts";

/** A `cpus` node of one core that says its architecture. */
export const arm64: Tree = { "cpu@0": { device_type: "cpu", compatible: "arm,cortex-a53", reg: 0 } };
export const riscv: Tree = { "cpu@0": { device_type: "cpu", compatible: "riscv", reg: 0 } };

export const tree = (content: Tree): DeviceTree => readDeviceTree(assemble(content), "test.dtb");
/** The board of a tree, with arm64 cores unless it has its own. */
export const board = (content: Tree): BoardFacts => describeBoard(tree({ cpus: arm64, ...content }));
export const machine = (content: Tree): MachineFacts => describeMachine(tree({ cpus: arm64, ...content }));

/** The master at `path` of a board; throws when it is none. */
export function master(facts: BoardFacts, path: string): MasterFacts {
  const found = facts.masters.find((one) => one.path === path);
  if (found === undefined)
    throw new Error(`${path} is no master: ${facts.masters.map((one) => one.path).join(" ")}`);
  return found;
}

export function machineMaster(facts: MachineFacts, path: string): MachineMaster {
  const found = facts.masters.find((one) => one.path === path);
  if (found === undefined) throw new Error(`${path} is no master`);
  return found;
}
