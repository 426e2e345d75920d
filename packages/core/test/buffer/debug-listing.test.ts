// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  assemble,
  board,
  bufinfo,
  fdinfo,
  type KernelProfile,
  linux72,
  linux612,
  type Process,
  type System,
} from "../../src/index.ts";
import { DmaFence, type Usage } from "../../src/sync.ts";
import { toyArch } from "../../src/testing.ts";
import { OpenExporter } from "./buffer-bench.ts";

/** A fence as a listing shows it. */
interface ListedFence {
  readonly usage: Usage;
  readonly driver: string;
  readonly timeline: string;
  readonly seqno: number;
  readonly signaled: boolean;
}

/** A buffer as a listing shows it. */
interface Listed {
  readonly size: number;
  readonly count: number;
  readonly exporter: string;
  readonly name: string | null;
  readonly fences: readonly ListedFence[];
  readonly devices: readonly string[];
}

const boot = (kernel: KernelProfile = linux612): System => {
  const devices = { any: { class: "dma", coherent: true } };
  const description = board({ model: "listed", memory: [{ base: 0, size: "16MiB" }], devices });
  return assemble(description, [toyArch()]).boot({ kernel });
};

/** A system with these buffers, oldest first, and what it lists. */
function listing(buffers: readonly Listed[], kernel: KernelProfile): string {
  const system = boot(kernel);
  return system.simulation.complete("cat", listed(system, buffers));
}

function* listed(system: System, buffers: readonly Listed[]): Process<string> {
  const { dmaBuf } = system;
  for (const { size, count, exporter, name, fences, devices } of buffers) {
    const buffer = dmaBuf.export({ exporterName: exporter, ops: new OpenExporter(system), size });
    for (let more = 1; more < count; more++) buffer.get();
    if (name !== null) buffer.setName(name);
    for (const device of devices) {
      yield* buffer.attach({ ...system.device("any"), name: device });
    }
    yield* buffer.resv.lock();
    const made = fences.map(({ driver, timeline, seqno }) => {
      const ops = { driverName: driver, timelineName: timeline };
      return DmaFence.init(dmaBuf.fences, ops, dmaBuf.fences.contextAlloc(), seqno);
    });
    made.forEach((fence, i) => {
      buffer.resv.reserveFences(1);
      buffer.resv.addFence(fence, (fences[i] as ListedFence).usage);
    });
    buffer.resv.unlock();
    made.forEach((fence, i) => void ((fences[i] as ListedFence).signaled && fence.signal()));
  }
  return yield* bufinfo(dmaBuf);
}

const example: readonly Listed[] = [
  {
    size: 65536,
    count: 3,
    exporter: "system",
    name: null,
    fences: [
      { usage: "bookkeep", driver: "hidden", timeline: "hidden", seqno: 9, signaled: false },
      { usage: "kernel", driver: "ttm", timeline: "move", seqno: 1, signaled: true },
      { usage: "write", driver: "functionfs", timeline: "", seqno: 7, signaled: false },
      { usage: "read", driver: "iio", timeline: "iio", seqno: 2, signaled: false },
    ],
    devices: ["usb0", "dac-dmac"],
  },
  { size: 123456789, count: 1, exporter: "udmabuf", name: "frame 1", fences: [], devices: [] },
];

const header = "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n";

describe("bufinfo (B-76)", () => {
  test("as 6.12 prints it: newest first, bookkeeping fences left out", () => {
    expect(listing(example, linux612)).toBe(
      `${header}${[
        "123456789\t00000002\t00080007\t00000001\tudmabuf\t00000002\tframe 1",
        "\tAttached Devices:",
        "Total 0 devices attached",
        "",
        "00065536\t00000002\t00080007\t00000003\tsystem\t00000001\t<none>",
        "\tkernel fence:ttm move seq 1 signalled",
        "\twrite fence:functionfs  seq 7 unsignalled",
        "\tread fence:iio iio seq 2 unsignalled",
        "\tAttached Devices:",
        "\tusb0",
        "\tdac-dmac",
        "Total 2 devices attached",
        "",
        "",
        "Total 2 objects, 123522325 bytes",
      ].join("\n")}\n`,
    );
  });

  test("as 7.2 prints it: contexts, and no names of what has signaled", () => {
    const text = listing(example, linux72);
    expect(text).toContain("\t02080007\t");
    expect(text).toContain("\tkernel fence:2:1   signalled\n");
    expect(text).toContain("\twrite fence:3:7  functionfs unsignalled\n");
    expect(text).toContain("\tread fence:4:2 iio iio unsignalled\n");
  });

  test("nothing is a listing too, and what was released is gone", () => {
    expect(listing([], linux612)).toBe(`${header}\nTotal 0 objects, 0 bytes\n`);
  });

  test("it takes the reservations: a signal ends the wait with EINTR", () => {
    const system = boot();
    const { simulation, dmaBuf } = system;
    const buffer = dmaBuf.export({ exporterName: "open", ops: new OpenExporter(system), size: 4096 });
    simulation.spawn(
      "holder",
      (function* (): Process {
        yield* buffer.resv.lock();
        yield 1000;
        buffer.resv.unlock();
      })(),
    );
    const reader = simulation.spawn("cat", bufinfo(dmaBuf));
    const failed = simulation.spawn(
      "waits",
      (function* (): Process<string> {
        try {
          yield* reader.join();
        } catch (error) {
          return (error as Error).message;
        }
        return "it was printed";
      })(),
    );
    simulation.timer(() => reader.interrupt()).arm(10);
    simulation.run();
    expect(failed.result).toContain("-EINTR");
  });
});

test("fdinfo says size, count, exporter, and the name when there is one (B-70)", () => {
  const system = boot();
  const buffer = system.dmaBuf.export({
    exporterName: "udmabuf",
    ops: new OpenExporter(system),
    size: 16384,
  });
  expect(fdinfo(buffer.get())).toBe("size:\t16384\ncount:\t2\nexp_name:\tudmabuf\n");
  buffer.setName("");
  expect(fdinfo(buffer)).toBe("size:\t16384\ncount:\t2\nexp_name:\tudmabuf\nname:\t\n");
  buffer.setName("two\nlines");
  expect(fdinfo(buffer)).toContain("\nname:\ttwo\nlines\n");
});

/** The folders of snapshots that stock kernels gave, each with the profile that stands for it. */
const recordings = { deb612: linux612, deb72: linux72, dev72: linux72 };
const samples = process.env["DMABUF_SAMPLES"];
const snapshots = Object.entries(recordings).flatMap(([folder, kernel]) => {
  const path = samples === undefined ? "" : join(samples, "traces", folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => name.includes(".snap."))
    .map((name) => ({
      name: `${folder}/${name}`,
      kernel,
      text: bufinfoOf(readFileSync(join(path, name), "utf8")),
    }))
    .filter(({ text }) => text !== "");
});

/** The listing in a snapshot. */
function bufinfoOf(snapshot: string): string {
  const title = "## /sys/kernel/debug/dma_buf/bufinfo\n";
  const start = snapshot.indexOf(title);
  if (start < 0) return "";
  const text = snapshot.slice(start + title.length);
  const end = text.indexOf("\n## ");
  return end < 0 ? text : text.slice(0, end + 1);
}

/** Reads a listing back, oldest buffer first. */
function parse(text: string): Listed[] {
  const entries = text.split("\n\n").filter((entry) => /^\d{8,}\t/m.test(entry));
  return entries.toReversed().map((entry) => {
    const lines = entry.replace(header.trim(), "").trim().split("\n");
    const start = lines.findIndex((line) => /^\d{8,}\t/.test(line));
    const [size, , , count, exporter, , ...name] = (lines[start] as string).split("\t");
    const fences = lines.flatMap((line): ListedFence[] => {
      const old = /^\t(kernel|write|read) fence:(\S+) (\S*) seq (\d+) (un)?signalled$/.exec(line);
      const recent = /^\t(kernel|write|read) fence:\d+:(\d+) (\S*) (\S*) (un)?signalled$/.exec(line);
      if (old !== null) {
        const [, usage, driver, timeline, seqno, pending] = old as unknown as string[];
        return [fence(usage, driver, timeline, seqno, pending)];
      }
      if (recent === null) return [];
      const [, usage, seqno, timeline, driver, pending] = recent as unknown as string[];
      return [fence(usage, driver, timeline, seqno, pending)];
    });
    const first = lines.indexOf("\tAttached Devices:") + 1;
    const devices = lines.slice(first, -1).map((line) => line.trim());
    const called = name.join("\t");
    return {
      size: Number(size),
      count: Number(count),
      exporter: exporter as string,
      name: called === "<none>" ? null : called,
      fences,
      devices,
    };
  });
}

const fence = (
  usage: string | undefined,
  driver: string | undefined,
  timeline: string | undefined,
  seqno: string | undefined,
  pending: string | undefined,
): ListedFence => ({
  usage: usage as Usage,
  driver: driver ?? "",
  timeline: timeline ?? "",
  seqno: Number(seqno),
  signaled: pending === undefined,
});

/** What counts since boot: inode and context numbers. */
const normalized = (text: string): string =>
  text.replaceAll(/(\t)\d{8}(\t[^\t\n]*)$/gm, "$1<ino>$2").replaceAll(/fence:\d+:/g, "fence:<context>:");

if (snapshots.length === 0) {
  test("real listings", ({ skip }) => skip("DMABUF_SAMPLES is not set to a folder with traces/deb612"));
} else {
  describe("real listings come out again, byte for byte but for what counts since boot", () => {
    test.each(snapshots)("$name", ({ text, kernel }) => {
      const buffers = parse(text);
      expect(text).toContain(`Total ${buffers.length} objects, `);
      expect(normalized(listing(buffers, kernel))).toBe(normalized(text));
    });
  });
}
