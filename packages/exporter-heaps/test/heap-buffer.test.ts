// SPDX-License-Identifier: MIT
import type { Attachment, BootOptions, DmaBuf, DmaDirection, System } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { boot, heapOf, maintenanceSince, run } from "./board.ts";

const SIZE = 2 ** 20;

describe.each(["system", "cma"] as const)("buffers of the %s heap", (heap) => {
  const start = (options?: BootOptions): { system: System; buffer: DmaBuf } => {
    const system = boot(options);
    const buffer = run(system, () => heapOf(system, heap).allocate(SIZE));
    return { system, buffer };
  };

  test("are maintained at map and unmap, for a device that is not coherent (H-4)", () => {
    const { system, buffer } = start();
    run(system, function* () {
      const attachment = yield* buffer.attach(system.device("direct"));
      expect(maintenanceSince(system)).toEqual({ ops: 0, bytes: 0 });
      const reads = yield* attachment.mapUnlocked("to-device");
      expect(maintenanceSince(system)).toEqual({ ops: 1, bytes: SIZE });
      yield* attachment.unmapUnlocked(reads);
      expect(maintenanceSince(system)).toEqual({ ops: 0, bytes: 0 });
      const writes = yield* attachment.mapUnlocked("from-device");
      expect(maintenanceSince(system)).toEqual({ ops: 1, bytes: SIZE });
      yield* attachment.unmapUnlocked(writes);
      expect(maintenanceSince(system)).toEqual({ ops: 1, bytes: SIZE });
      yield* attachment.detach();
    });
  });

  test("are not maintained for a coherent device", () => {
    const { system, buffer } = start();
    run(system, function* () {
      const attachment = yield* buffer.attach(system.device("snooping"));
      const mapping = yield* attachment.mapUnlocked("bidirectional");
      yield* buffer.beginCpuAccess("bidirectional");
      yield* buffer.endCpuAccess("bidirectional");
      yield* attachment.unmapUnlocked(mapping);
      expect(maintenanceSince(system)).toEqual({ ops: 0, bytes: 0 });
    });
  });

  test("have a bracket work once for every device that has them mapped, not for those that only joined (H-5, H-6)", () => {
    const { system, buffer } = start();
    const bracket = function* (direction: DmaDirection) {
      yield* buffer.beginCpuAccess(direction);
      const begin = maintenanceSince(system);
      yield* buffer.endCpuAccess(direction);
      return [begin.ops, maintenanceSince(system).ops];
    };
    run(system, function* () {
      const joined: Attachment[] = [];
      for (const name of ["direct", "display", "snooping"])
        joined.push(yield* buffer.attach(system.device(name)));
      expect(yield* bracket("bidirectional")).toEqual([0, 0]);
      const [direct, display, snooping] = joined as [Attachment, Attachment, Attachment];
      const one = yield* direct.mapUnlocked("bidirectional");
      maintenanceSince(system);
      expect(yield* bracket("bidirectional")).toEqual([1, 1]);
      const two = yield* display.mapUnlocked("to-device");
      const three = yield* snooping.mapUnlocked("bidirectional");
      maintenanceSince(system);
      expect(yield* bracket("from-device")).toEqual([2, 2]);
      expect(yield* bracket("to-device")).toEqual([0, 2]);
      yield* direct.unmapUnlocked(one);
      maintenanceSince(system);
      expect(yield* bracket("from-device")).toEqual([1, 1]);
      yield* display.unmapUnlocked(two);
      yield* snooping.unmapUnlocked(three);
      expect(maintenanceSince(system)).toEqual({ ops: 0, bytes: 0 });
      expect(yield* bracket("from-device")).toEqual([0, 0]);
    });
  });

  test("are mapped anew for each map, with a mapping for each device", () => {
    const { system, buffer } = start();
    run(system, function* () {
      const attachment = yield* buffer.attach(system.device("direct"));
      const one = yield* attachment.mapUnlocked("to-device");
      yield* attachment.unmapUnlocked(one);
      const two = yield* attachment.mapUnlocked("from-device");
      expect(two).not.toBe(one);
      expect(system.dma.live.size).toBe(1);
      yield* attachment.unmapUnlocked(two);
      expect(system.dma.live.size).toBe(0);
    });
  });

  test("leave the map's maintenance to a policy that does it elsewhere", () => {
    const { system, buffer } = start({ coherency: "begin-end-access" });
    run(system, function* () {
      const attachment = yield* buffer.attach(system.device("direct"));
      const mapping = yield* attachment.mapUnlocked("bidirectional");
      expect(mapping.skipCpuSync).toBe(true);
      yield* attachment.unmapUnlocked(mapping);
      expect(maintenanceSince(system)).toEqual({ ops: 0, bytes: 0 });
    });
  });

  test("need no begin before an end", () => {
    const { system, buffer } = start();
    run(system, () => buffer.endCpuAccess("bidirectional"));
  });
});
