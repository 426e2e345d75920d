// SPDX-License-Identifier: MIT
import {
  assemble,
  board,
  type CpuAddr,
  type CpuMapping,
  type DmaBuf,
  type KernelMapping,
  PAGE_SIZE,
  type PhysAddr,
  type Plugin,
  type Process,
  type System,
} from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { armv5, armv7, pl310 } from "../src/index.ts";
import { plainExporter } from "./plain-exporter.ts";

const machine = board({
  model: "a machine of 2003",
  memory: [{ base: 0x1000_0000, size: "64MiB" }],
  devices: { dma: { class: "dma", coherent: false } },
});

interface Given {
  readonly system: System;
  readonly buffer: DmaBuf;
}

/** The codes of the errors that a process on a fresh buffer runs into. */
function errors(arch: Plugin, process: (given: Given) => Process): string[] {
  const { findings } = assemble(machine, [arch, plainExporter()]).inspect(function* (system) {
    using buffer = yield* system.exporter("plain").allocate(4096);
    yield* process({ system, buffer });
  });
  return findings.filter(({ severity }) => severity === "error").map(({ code }) => code);
}

/** Maps for the device, lets it read or write all of the buffer, and unmaps. */
function* transfer({ system, buffer }: Given, kind: "read" | "write"): Process {
  const attachment = yield* system
    .importer("dma")
    .attach(buffer, kind === "read" ? "to-device" : "from-device");
  const fence = yield* attachment.transfer(kind);
  yield* fence.wait();
  yield* attachment.detach();
}

/** The domain that a mapping's accesses meet. */
const domainOf = (
  { system, buffer }: Given,
  { address }: { readonly address: CpuAddr },
): string | undefined =>
  system.arch.virtualCache?.domainAt(address, buffer.ops.mmap?.(buffer).extents.addressAt(0) as PhysAddr);

/** Makes the next mapping's page odd where it would have been even: mappings are a page apart. */
function* shiftColour({ system }: Given): Process {
  using spacer = yield* system.exporter("plain").allocate(2 * PAGE_SIZE);
  spacer.mmap().unmap();
}

/** A user mapping whose page is, or is not, of the linear map's colour. */
function* userMapping(given: Given, colour: "same" | "other"): Process<CpuMapping> {
  const mapping = given.buffer.mmap();
  if ((domainOf(given, mapping) === "cpu") === (colour === "same")) return mapping;
  mapping.unmap();
  yield* shiftColour(given);
  return given.buffer.mmap();
}

/** A kernel mapping of another colour than the linear map's. */
function* kernelMapping(given: Given): Process<KernelMapping> {
  const mapping = yield* given.buffer.vmapUnlocked();
  if (domainOf(given, mapping) !== "cpu") return mapping;
  yield* given.buffer.vunmapUnlocked(mapping);
  yield* shiftColour(given);
  return yield* given.buffer.vmapUnlocked();
}

describe.each(["virtual", "physical"] as const)(
  "armv5, %s tags: a kernel mapping of another colour (A-15)",
  (tags) => {
    const arch = armv5({ tags });
    const vmapped = (play: (given: Given, mapping: KernelMapping) => Process) =>
      errors(arch, function* (given) {
        const mapping = yield* kernelMapping(given);
        expect(domainOf(given, mapping)).not.toBe("cpu");
        yield* play(given, mapping);
        yield* given.buffer.vunmapUnlocked(mapping);
      });

    test.each([
      [true, []],
      [false, ["stale-read"]],
    ])("written, then read by the device; flushed: %s", (flushed, expected) => {
      const found = vmapped(function* (given, mapping) {
        yield* transfer(given, "write");
        yield* mapping.write();
        if (flushed) mapping.flushRange();
        yield* transfer(given, "read");
      });
      expect(found).toEqual(expected);
    });

    test.each([
      [true, []],
      [false, ["stale-read"]],
    ])("written by the device, read, written again, read again; invalidated: %s", (invalidated, expected) => {
      const found = vmapped(function* (given, mapping) {
        yield* transfer(given, "write");
        yield* mapping.read();
        yield* transfer(given, "write");
        if (invalidated) mapping.invalidateRange();
        yield* mapping.read();
      });
      expect(found).toEqual(expected);
    });

    test.each([
      [true, []],
      [false, ["lost-write"]],
    ])("written, then written by the device; flushed before: %s", (flushed, expected) => {
      const found = vmapped(function* (given, mapping) {
        yield* transfer(given, "write");
        yield* mapping.write();
        if (flushed) mapping.flushRange();
        yield* transfer(given, "write");
      });
      expect(found).toEqual(expected);
    });
  },
);

describe("armv5, user mappings", () => {
  const play = (colour: "same" | "other", flushed: boolean) =>
    errors(armv5({ tags: "physical" }), function* (given) {
      yield* transfer(given, "write");
      using mapping = yield* userMapping(given, colour);
      expect(domainOf(given, mapping) === "cpu").toBe(colour === "same");
      yield* given.buffer.beginCpuAccess("to-device");
      yield* mapping.write();
      yield* given.buffer.endCpuAccess("to-device");
      const { extents } = given.buffer.ops.mmap?.(given.buffer) ?? {};
      if (flushed && extents !== undefined) given.system.cpu.flushVmapRange(extents, mapping.address);
      yield* transfer(given, "read");
    });

  test("of another colour: brackets work by the linear map's addresses, and do not help", () => {
    expect(play("other", false)).toEqual(["stale-read"]);
  });

  test("of another colour, flushed by the address that was used: coherent", () => {
    expect(play("other", true)).toEqual([]);
  });

  test("of the linear map's colour: the map cleans it", () => {
    expect(play("same", false)).toEqual([]);
  });
});

test("where caches are looked up by physical address nobody owes anything", () => {
  for (const arch of [armv7(), armv7({ outer: pl310() }), armv5({ colours: 1, tags: "physical" })]) {
    const found = errors(arch, function* (given) {
      yield* transfer(given, "write");
      const mapping = yield* given.buffer.vmapUnlocked();
      yield* mapping.read();
      yield* mapping.write();
      yield* transfer(given, "read");
      yield* transfer(given, "write");
      yield* mapping.read();
      yield* given.buffer.vunmapUnlocked(mapping);
    });
    expect(found).toEqual([]);
  }
});
