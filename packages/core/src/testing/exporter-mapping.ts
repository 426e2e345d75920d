// SPDX-License-Identifier: MIT
import { PAGE_SIZE } from "../address.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import { dmaDirections } from "../dma/direction.ts";
import { KernelError } from "../error.ts";
import type { Extents } from "../memory/extents.ts";
import type { Plugin } from "../platform/plugin.ts";
import type { Process } from "../sim/process.ts";
import { ExporterFixture, type ExporterSuiteOptions, failureOf, units } from "./exporter-fixture.ts";
import { demand, type SuiteTest } from "./suite-test.ts";

/** What importers get to see. */
export function exporterMapping(make: () => Plugin, options: ExporterSuiteOptions): SuiteTest[] {
  /** A test on one buffer of 20 units. */
  const test = (name: string, play: (self: ExporterFixture, buffer: DmaBuf) => Process): SuiteTest => ({
    name,
    run() {
      const self = new ExporterFixture(make, options);
      self.run(function* () {
        using buffer = yield* self.exporter.allocate(units(options, 20));
        yield* play(self, buffer);
        const { size } = self.system.dma.live;
        demand(buffer.attachments.length > 0 || size === 0, `${size} mappings are left after the detach`);
      });
      const { size } = self.system.dma.live;
      demand(size === 0, `${size} mappings are left after the release`);
    },
  });
  return [
    test("maps page-aligned segments that add up to the size (B-40)", wholePages),
    test("maps for the attachment's device, in the direction that was asked for", ownDevice),
    test("keeps the directions of one attachment apart (B-35)", directionsApart),
    test("balances map and unmap", balanced),
    test("maps the same memory for every device, each with a mapping of its own", sameMemory),
    test("keeps nothing when a device cannot reach the memory", unreachable),
    ...(options.trustId === undefined
      ? [test("maps the same memory into user space (B-59)", userSpace)]
      : [
          test("refuses a device that is not trusted with its memory (D20)", untrustedDevice),
          test("refuses the CPU (H-9)", untrustedCpu),
        ]),
    test("says where its memory is as it maps it, if it says (D19)", ownWord),
  ];
}

function* wholePages(self: ExporterFixture, buffer: DmaBuf): Process {
  yield* self.share(buffer, ({ dmaAddresses, dmaLengths, nents, extents }) => {
    demand(nents >= 1 && dmaLengths.length >= nents, `${nents} entries, ${dmaLengths.length} lengths`);
    let sum = 0;
    for (let i = 0; i < nents; i++) {
      const address = dmaAddresses[i] as number;
      const length = dmaLengths[i] as number;
      const entry = `entry ${i}: ${length} bytes at 0x${address.toString(16)}`;
      demand(address % PAGE_SIZE === 0 && length % PAGE_SIZE === 0, `${entry} are not whole pages`);
      sum += length;
    }
    demand(sum === buffer.size, `the segments have ${sum} bytes, the buffer ${buffer.size}`);
    demand(
      extents.bytes === buffer.size,
      `the ranges have ${extents.bytes} bytes, the buffer ${buffer.size}`,
    );
  });
}

function* ownDevice(self: ExporterFixture, buffer: DmaBuf): Process {
  for (const device of ["direct", "snooping"]) {
    for (const direction of dmaDirections) {
      yield* self.share(
        buffer,
        (mapping) => {
          const got = `${mapping.device.name} ${mapping.direction}`;
          demand(got === `${device} ${direction}`, `${device} ${direction} was asked for, it got ${got}`);
        },
        device,
        direction,
      );
    }
  }
}

/** One direction first, then another while it is mapped: a mapping of its own, or EBUSY because core kept the first. */
function* directionsApart(self: ExporterFixture, buffer: DmaBuf): Process {
  const attachment = yield* buffer.attach(self.system.device("direct"));
  const first = yield* attachment.mapUnlocked("to-device");
  try {
    const second = yield* attachment.mapUnlocked("from-device");
    demand(second.direction === "from-device", `from-device was asked for, it got ${second.direction}`);
    yield* attachment.unmapUnlocked(second);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    demand(error.errno === "EBUSY", `a second direction gets ${error.errno}`);
  }
  yield* attachment.unmapUnlocked(first);
  yield* attachment.detach();
}

function* balanced(self: ExporterFixture, buffer: DmaBuf): Process {
  const { dma } = self.system;
  const attachment = yield* buffer.attach(self.system.device("direct"));
  for (let i = 0; i < 3; i++) {
    const mapping = yield* attachment.mapUnlocked("bidirectional");
    demand(dma.live.has(mapping), "what it hands out is not mapped by the DMA API");
    yield* attachment.unmapUnlocked(mapping);
  }
  demand(dma.live.size <= 1, `${dma.live.size} mappings are left after three that were given back`);
  yield* attachment.detach();
  demand(dma.live.size === 0, "a mapping is left after the detach");
}

function* sameMemory(self: ExporterFixture, buffer: DmaBuf): Process {
  const one = yield* buffer.attach(self.system.device("direct"));
  const other = yield* buffer.attach(self.system.device("snooping"));
  const mapped = yield* one.mapUnlocked("from-device");
  const mappedToo = yield* other.mapUnlocked("to-device");
  demand(mapped !== mappedToo, "two devices have one mapping");
  demandSameBytes(mapped.extents, mappedToo.extents);
  yield* other.unmapUnlocked(mappedToo);
  yield* other.detach();
  demand(self.system.dma.live.has(mapped), "one device's detach takes the other's mapping");
  yield* one.unmapUnlocked(mapped);
  yield* one.detach();
}

function* unreachable(self: ExporterFixture, buffer: DmaBuf): Process {
  const { dma } = self.system;
  const attachment = yield* buffer.attach(self.system.device("far"));
  yield* failureOf(attachment.mapUnlocked("from-device"), "mapping for a device that reaches nothing");
  demand(dma.live.size === 0, "a mapping is left after a failure");
  demand(!buffer.resv.isLocked, "the reservation is left locked after a failure");
  yield* attachment.detach();
  yield* self.share(buffer, () => {}, "direct");
}

function* userSpace(self: ExporterFixture, buffer: DmaBuf): Process {
  if (buffer.ops.mmap === undefined) {
    demand(
      failsWith("EINVAL", () => buffer.mmap()),
      "a buffer without mmap can be mapped",
    );
    return;
  }
  const pages = buffer.ops.mmap(buffer);
  demand(pages.extents.bytes === buffer.size, `user space sees ${pages.extents.bytes} bytes`);
  demandSameBytes(pages.extents, yield* self.extentsOf(buffer));
  const mapping = buffer.mmap();
  demand(buffer.references === 2, "a user mapping holds no reference");
  mapping.unmap();
}

function* untrustedDevice(self: ExporterFixture, buffer: DmaBuf): Process {
  const { system } = self;
  const errno = yield* failureOf(buffer.attach(system.device("display")), "attaching a device without trust");
  demand(errno === "EPERM", `a device that is not trusted gets ${errno}`);
  demand(buffer.attachments.length === 0, "a device that was refused is attached");
  yield* self.share(buffer, () => {});
}

function* untrustedCpu(_self: ExporterFixture, buffer: DmaBuf): Process {
  demand(
    failsWith("EPERM", () => buffer.mmap()),
    "user space can map private memory",
  );
  demand(buffer.references === 1, "a user mapping that was refused leaves a reference");
  for (const [what, process] of [
    ["beginCpuAccess", buffer.beginCpuAccess("bidirectional")],
    ["endCpuAccess", buffer.endCpuAccess("bidirectional")],
  ] as const) {
    const errno = yield* failureOf(process, what);
    demand(errno === "EPERM", `${what} answers ${errno}`);
  }
  demand(!buffer.resv.isLocked, "the reservation is left locked after a failure");
}

/** With the buffer mapped, so that an exporter which puts allocation off has memory. */
function* ownWord(self: ExporterFixture, buffer: DmaBuf): Process {
  yield* self.share(buffer, ({ extents }) => {
    const memory = buffer.ops.memory?.(buffer);
    if (memory === undefined) return;
    demand(memory !== null, "it says that a mapped buffer has no memory");
    demandSameBytes(memory.extents, extents);
  });
}

function failsWith(errno: string, operation: () => unknown): boolean {
  try {
    operation();
    return false;
  } catch (error) {
    return error instanceof KernelError && error.errno === errno;
  }
}

/** The same memory in the same order, however it is cut into ranges. */
function demandSameBytes(one: Extents, other: Extents): void {
  for (let offset = 0; offset < one.bytes; offset += PAGE_SIZE) {
    const [here, there] = [one.addressAt(offset), other.addressAt(offset)];
    const places = `0x${here.toString(16)} for one and 0x${there.toString(16)} for the other`;
    demand(here === there, `byte ${offset} is at ${places}`);
  }
}
