// SPDX-License-Identifier: MIT
import { type Arch, assemble, definePlugin } from "@dmabuf/core";
import { toyArch, toyBoard } from "@dmabuf/core/testing";
import { expect, test } from "vitest";
import { heaps } from "../src/index.ts";

/** The toy architecture with a cache that knows every mapping by an address of its own. */
const aliasing = definePlugin({
  name: "@acme/arch-aliasing",
  provides: {
    arch: (): Arch => {
      const toy = toyArch().provides.arch?.() as Arch;
      return {
        name: "aliasing",
        domains: { cpu: { line: 64 }, alias: { line: 64 } },
        cpuDomain: "cpu",
        dmaDefaultCoherent: false,
        syncForDevice: (extents, direction) => toy.syncForDevice(extents, direction),
        syncForCpu: (extents, direction) => toy.syncForCpu(extents, direction),
        lineCost: () => 10,
        virtualCache: {
          domainAt: () => "alias",
          flushVmapRange: (domain, extents) => [{ kind: "flush", domain, extents }],
          invalidateVmapRange: (domain, extents) => [{ kind: "flush", domain, extents }],
        },
      };
    },
  },
});

test.each(["system", "cma"])(
  "a bracket on a %s buffer sees to the kernel's mapping first, if there is one (H-5)",
  (heap) => {
    const done = assemble(toyBoard, [aliasing, heaps()]).simulate(function* (system) {
      const { log } = system.analysis;
      let seen = 0;
      const since = (): string[] => {
        const from = seen;
        seen = log.length;
        return Array.from({ length: seen - from }, (_, i) => log.operation(from + i)).flatMap(
          ({ route, kind, domain }) => (route === null ? [`${kind} ${domain?.name}`] : []),
        );
      };
      using buffer = yield* system.exporter(heap).allocate(4096);
      const attachment = yield* buffer.attach(system.device("direct"));
      const mapping = yield* attachment.mapUnlocked("bidirectional");
      const vmapping = yield* buffer.vmapUnlocked();
      expect([vmapping.memoryType, buffer.kernelMapping]).toEqual(["write-back", vmapping]);
      since();
      yield* buffer.beginCpuAccess("from-device");
      const begin = since();
      yield* buffer.endCpuAccess("to-device");
      const end = since();
      yield* buffer.vunmapUnlocked(vmapping);
      expect(buffer.kernelMapping).toBeNull();
      since();
      yield* buffer.beginCpuAccess("from-device");
      const without = since();
      yield* buffer.endCpuAccess("to-device");
      yield* attachment.unmapUnlocked(mapping);
      yield* attachment.detach();
      return { begin, end, without };
    });
    expect(done).toEqual({
      begin: ["flush alias", "invalidate cpu"],
      end: ["flush alias", "clean cpu"],
      without: ["invalidate cpu"],
    });
  },
);
