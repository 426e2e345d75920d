// SPDX-License-Identifier: MIT
import type { CpuMapping } from "../buffer/cpu-mapping.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import { dmaDirections } from "../dma/direction.ts";
import type { Plugin } from "../platform/plugin.ts";
import type { Process } from "../sim/process.ts";
import { ExporterFixture, type ExporterSuiteOptions, units } from "./exporter-fixture.ts";
import { demand, type SuiteTest } from "./suite-test.ts";

/**
 * CPU access in brackets. Only what every exporter owes: that the map cleans what the CPU wrote before, say, is nobody's
 * duty, and on 6.12 udmabuf does not do it (U-7).
 */
export function exporterAccess(make: () => Plugin, options: ExporterSuiteOptions): SuiteTest[] {
  /** A test on one buffer that user space has mapped; without mmap there is nothing to test. */
  const test = (
    name: string,
    play: (self: ExporterFixture, buffer: DmaBuf, user: CpuMapping) => Process,
  ): SuiteTest => ({
    name,
    run() {
      const self = new ExporterFixture(make, options);
      self.run(function* () {
        using buffer = yield* self.exporter.allocate(units(options, 20));
        if (buffer.ops.mmap === undefined) return;
        using user = buffer.mmap();
        yield* play(self, buffer, user);
      });
      self.demandNoHazard();
    },
  });
  if (options.trustId !== undefined) return [];
  return [
    test("leaves the reservation alone in brackets (1.15)", leavesReservation),
    test("takes brackets that nest and overlap (B-53)", overlappingBrackets),
    ...(options.servesNonCoherent === false
      ? []
      : [
          test("shows a device that is not coherent what the CPU wrote in a bracket", toDirectDevice),
          test("shows it also to a device that joins later", toLaterDevice),
          test("shows the CPU in a bracket what a device that is not coherent wrote", fromDirectDevice),
        ]),
    ...(options.cached === false
      ? []
      : [test("needs no bracket between the CPU and a coherent device", coherentDevice)]),
  ];
}

function* leavesReservation(self: ExporterFixture, buffer: DmaBuf): Process {
  const attachment = yield* buffer.attach(self.system.device("direct"));
  const mapping = yield* attachment.mapUnlocked("bidirectional");
  for (const direction of dmaDirections) {
    for (const bracket of [buffer.beginCpuAccess(direction), buffer.endCpuAccess(direction)]) {
      yield* bracket;
      demand(!buffer.resv.isLocked, `the reservation is left locked by a ${direction} bracket`);
    }
  }
  yield* attachment.unmapUnlocked(mapping);
  yield* attachment.detach();
}

function* overlappingBrackets(_self: ExporterFixture, buffer: DmaBuf): Process {
  yield* buffer.beginCpuAccess("bidirectional");
  yield* buffer.beginCpuAccess("from-device");
  yield* buffer.endCpuAccess("bidirectional");
  yield* buffer.endCpuAccess("from-device");
  yield* buffer.endCpuAccess("from-device");
}

function* written(buffer: DmaBuf, user: CpuMapping): Process {
  yield* buffer.beginCpuAccess("to-device");
  yield* user.write();
  yield* buffer.endCpuAccess("to-device");
}

function* toDirectDevice(self: ExporterFixture, buffer: DmaBuf, user: CpuMapping): Process {
  const device = yield* self.system.importer("direct").attach(buffer, "to-device");
  for (let round = 0; round < 2; round++) {
    yield* written(buffer, user);
    const fence = yield* device.transfer("read");
    yield* fence.wait();
    fence.put();
  }
  yield* device.detach();
}

function* toLaterDevice(self: ExporterFixture, buffer: DmaBuf, user: CpuMapping): Process {
  yield* written(buffer, user);
  yield* self.transfer(buffer, "direct", "read");
}

/** The CPU writes everything first, so that no line of the exporter's own clearing is still dirty (U-8). */
function* fromDirectDevice(self: ExporterFixture, buffer: DmaBuf, user: CpuMapping): Process {
  const device = yield* self.system.importer("direct").attach(buffer, "from-device");
  yield* written(buffer, user);
  for (let round = 0; round < 2; round++) {
    const fence = yield* device.transfer("write");
    yield* fence.wait();
    fence.put();
    yield* buffer.beginCpuAccess("from-device");
    yield* user.read();
    yield* buffer.endCpuAccess("from-device");
  }
  yield* device.detach();
}

function* coherentDevice(self: ExporterFixture, buffer: DmaBuf, user: CpuMapping): Process {
  const device = yield* self.system.importer("snooping").attach(buffer, "bidirectional");
  for (const kind of ["read", "write", "read"] as const) {
    const fence = yield* device.transfer(kind);
    yield* fence.wait();
    fence.put();
    yield* user.read();
    yield* user.write();
  }
  yield* device.detach();
}
