// SPDX-License-Identifier: MIT
import {
  type BootOptions,
  type DmaBuf,
  type KernelProfile,
  linux72,
  linux612,
  PAGE_SIZE,
  type Process,
  proposed,
  type System,
} from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { boot, type Changes, coherentByDefault, deviceOf, maintenanceSince, run, sealed } from "./board.ts";

const SIZE = 4 * PAGE_SIZE;

const start = (options?: BootOptions, changes?: Changes): { system: System; buffer: DmaBuf } => {
  const system = boot(options, changes);
  const buffer = run(system, () => deviceOf(system).allocate(SIZE));
  return { system, buffer };
};

const codes = (system: System): string[] => system.hazards.map(({ code }) => code);

/** One transfer of a device, waited for. */
function* transfer(system: System, buffer: DmaBuf, device: string, kind: "read" | "write"): Process {
  const direction = kind === "read" ? "to-device" : "from-device";
  const imported = yield* system.importer(device).attach(buffer, direction);
  const fence = yield* imported.transfer(kind);
  yield* fence.wait();
  fence.put();
}

describe("mapping (U-7)", () => {
  test("does no maintenance on 6.12, for any device", () => {
    const { system, buffer } = start();
    run(system, function* () {
      for (const name of ["direct", "snooping"]) {
        const attachment = yield* buffer.attach(system.device(name));
        const mapping = yield* attachment.mapUnlocked("bidirectional");
        expect([mapping.nents, mapping.skipCpuSync]).toEqual([4, true]);
        yield* attachment.unmapUnlocked(mapping);
        yield* attachment.detach();
      }
      expect(maintenanceSince(system)).toEqual([]);
    });
  });

  test("is kept by core until the detach on 6.12, and made anew on 7.2", () => {
    const mapTwice = (kernel: KernelProfile): boolean => {
      const { system, buffer } = start({ kernel });
      return run(system, function* () {
        const attachment = yield* buffer.attach(system.device("direct"));
        const one = yield* attachment.mapUnlocked("to-device");
        yield* attachment.unmapUnlocked(one);
        const two = yield* attachment.mapUnlocked("to-device");
        yield* attachment.unmapUnlocked(two);
        yield* attachment.detach();
        expect(system.dma.live.size).toBe(0);
        return one === two;
      });
    };
    expect(mapTwice(linux612)).toBe(true);
    expect(mapTwice(linux72)).toBe(false);
  });

  test("cleans and invalidates where the kernel has no skip, unless the policy does it elsewhere", () => {
    const mapped = (options: BootOptions): string[] => {
      const { system, buffer } = start(options);
      return run(system, function* () {
        const attachment = yield* buffer.attach(system.device("direct"));
        const mapping = yield* attachment.mapUnlocked("bidirectional");
        yield* attachment.unmapUnlocked(mapping);
        yield* attachment.detach();
        return maintenanceSince(system);
      });
    };
    expect(mapped({ kernel: proposed })).toEqual([`clean ${SIZE}`, `invalidate ${SIZE}`]);
    expect(mapped({ kernel: proposed, coherency: "begin-end-access" })).toEqual([]);
  });
});

describe("brackets (U-8)", () => {
  test("work for the misc device, whoever is attached", () => {
    const { system, buffer } = start();
    run(system, function* () {
      yield* buffer.beginCpuAccess("bidirectional");
      expect(maintenanceSince(system)).toEqual([`invalidate ${SIZE}`]);
      yield* buffer.endCpuAccess("to-device");
      expect(maintenanceSince(system)).toEqual([`clean ${SIZE}`]);
      yield* buffer.beginCpuAccess("to-device");
      expect(maintenanceSince(system)).toEqual([]);
      yield* buffer.beginCpuAccess("from-device");
      expect(maintenanceSince(system)).toEqual([`invalidate ${SIZE}`]);
    });
    expect(
      [...system.dma.live].map((mapping) => [
        mapping.device.name,
        "direction" in mapping && mapping.direction,
      ]),
    ).toEqual([["udmabuf", "bidirectional"]]);
    buffer.put();
    expect(system.dma.live.size).toBe(0);
  });

  test("that end without any begin answer EINVAL, and no more once one has begun", () => {
    const { system, buffer } = start();
    expect(() => run(system, () => buffer.endCpuAccess("bidirectional"))).toThrow(
      "end_cpu_udmabuf: -EINVAL: no CPU access was begun on this buffer yet",
    );
    run(system, function* () {
      yield* buffer.beginCpuAccess("from-device");
      yield* buffer.endCpuAccess("bidirectional");
      yield* buffer.endCpuAccess("to-device");
    });
  });

  test("keep the direction of the first one for the unmap at the release", () => {
    const released = (direction: "to-device" | "from-device"): string[] => {
      const { system, buffer } = start({ kernel: proposed });
      run(system, () => buffer.beginCpuAccess(direction));
      maintenanceSince(system);
      buffer.put();
      return maintenanceSince(system);
    };
    expect(released("to-device")).toEqual([]);
    expect(released("from-device")).toEqual([`invalidate ${SIZE}`]);
  });

  test("clean first and hand over later where the map does not skip its sync", () => {
    const { system, buffer } = start({ kernel: proposed });
    run(system, function* () {
      yield* buffer.beginCpuAccess("from-device");
      expect(maintenanceSince(system)).toEqual([`clean ${SIZE}`]);
      yield* buffer.beginCpuAccess("from-device");
      expect(maintenanceSince(system)).toEqual([`invalidate ${SIZE}`]);
    });
  });

  test("do nothing where devices are coherent unless somebody says otherwise", () => {
    const { system, buffer } = start({}, { arch: coherentByDefault() });
    run(system, function* () {
      yield* buffer.beginCpuAccess("bidirectional");
      yield* buffer.endCpuAccess("bidirectional");
    });
    expect(maintenanceSince(system)).toEqual([]);
  });
});

describe("what goes wrong with it", () => {
  test("the first bracket drops what the CPU wrote through the memfd before (U-8's hazard)", () => {
    const system = boot();
    run(system, function* () {
      const memfd = sealed(system, 4);
      using buffer = yield* deviceOf(system).create({ memfd, offset: 0, size: SIZE });
      using user = buffer.mmap();
      yield* memfd.write(0, SIZE);
      yield* buffer.beginCpuAccess("from-device");
      yield* user.read();
      memfd.close();
    });
    expect(codes(system)).toContain("discarded-data");
  });

  test("a bracket for writing first, then nothing is lost", () => {
    const system = boot();
    run(system, function* () {
      using buffer = yield* deviceOf(system).allocate(SIZE);
      using user = buffer.mmap();
      yield* buffer.beginCpuAccess("to-device");
      yield* user.write();
      yield* buffer.endCpuAccess("to-device");
      yield* buffer.beginCpuAccess("from-device");
      yield* user.read();
    });
    expect(codes(system)).toEqual([]);
  });

  test("the dirty zeroes of a new buffer land on what a device writes (U-7)", () => {
    const { system, buffer } = start();
    run(system, () => transfer(system, buffer, "direct", "write"));
    expect(codes(system)).toEqual(["lost-write"]);
  });

  test("not so where the map cleans", () => {
    const { system, buffer } = start({ kernel: proposed });
    run(system, () => transfer(system, buffer, "direct", "write"));
    expect(codes(system)).toEqual([]);
  });

  test("nor for a coherent device, which sees them", () => {
    const { system, buffer } = start();
    run(system, function* () {
      yield* transfer(system, buffer, "snooping", "write");
      yield* transfer(system, buffer, "snooping", "read");
    });
    expect(codes(system)).toEqual([]);
  });
});
