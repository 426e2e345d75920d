// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { CoherencyConflict, coherencyChoices, type Process } from "../../../src/index.ts";
import { BufferBench } from "../buffer-bench.ts";
import { play, type Turn } from "./policy-scene.ts";

/** A device that is not coherent fills a buffer, one that is reads it: what Linux leaves undefined (D40). */
const handOver: readonly Turn[] = [
  ["direct", "write"],
  ["snooping", "read"],
];
const both = ["clean for dma_sync_sg_for_device", "invalidate for dma_sync_sg_for_cpu"];

describe("who syncs when", () => {
  test("kernel: at map and unmap, as the exporter asks; never in between", () => {
    const scene = play("kernel", handOver);
    expect(scene).toEqual({
      map: ["clean for dma_map_sg"],
      turns: [[], []],
      unmap: ["invalidate for dma_unmap_sg"],
      assumptions: [],
      hazards: ["stale-read"],
    });
  });

  test("begin-end-access: around each transfer of a device that is not coherent; mapping is free (PR-2, PR-5)", () => {
    expect(play("begin-end-access", handOver)).toEqual({
      map: [],
      turns: [both, []],
      unmap: [],
      assumptions: [
        "begin-end-access: every exporter and importer calls the access brackets, which 6.12 lacks",
      ],
      hazards: [],
    });
    expect(play("begin-end-access", [["direct", "read"]]).turns, "a read hands back nothing").toEqual([
      ["clean for dma_sync_sg_for_device"],
    ]);
  });

  test("exporter-sync: around each transfer of the one device that exports, and at its map (D42)", () => {
    expect(play("exporter-sync", handOver)).toEqual({
      map: ["clean for dma_map_sg"],
      turns: [both, []],
      unmap: ["invalidate for dma_unmap_sg"],
      assumptions: [
        "exporter-sync: needs direct to export the buffer and to sync around each of its transfers",
      ],
      hazards: [],
    });
  });

  test("exporter-sync: a second device that is not coherent is nobody's concern", () => {
    const scene = play("exporter-sync", [
      ["direct", "write"],
      ["display", "write"],
      ["snooping", "read"],
    ]);
    expect(scene.map).toEqual(["clean for dma_map_sg"]);
    expect(scene.turns).toEqual([both, [], []]);
    expect(scene.hazards).toEqual(["stale-read"]);
    expect(scene.assumptions).toEqual([
      "exporter-sync: needs direct to export the buffer and to sync around each of its transfers",
      "exporter-sync: display cannot export it as well, nobody syncs for it",
    ]);
    expect(play("exporter-sync", [["snooping", "read"]]).assumptions).toEqual([
      "exporter-sync: every device is coherent, so no device has to export",
    ]);
  });

  test("device-to-device: the least that makes the next transfer safe, before it (D42)", () => {
    expect(play("device-to-device", handOver)).toEqual({
      map: [],
      turns: [[], ["invalidate for dma_sync_sg_device_to_device"]],
      unmap: [],
      assumptions: [
        "device-to-device: the DMA layer knows every access to the buffer, which 6.12 does not track",
      ],
      hazards: [],
    });
    const back: readonly Turn[] = [
      ...handOver,
      ["snooping", "read"],
      ["display", "read"],
      ["direct", "read"],
    ];
    expect(play("device-to-device", back).turns.slice(2), "nothing to do twice").toEqual([[], [], []]);
    const afterCpu = play(
      "device-to-device",
      [
        ["direct", "read"],
        ["display", "read"],
      ],
      true,
    );
    expect(afterCpu.turns).toEqual([["clean for dma_sync_sg_device_to_device"], []]);
    expect(afterCpu.hazards).toEqual([]);
  });

  test("reject-at-attach: as the kernel, among devices of one kind", () => {
    const same: readonly Turn[] = [
      ["direct", "write"],
      ["display", "read"],
    ];
    expect(play("reject-at-attach", same)).toEqual(play("kernel", same));
  });
});

describe("reject-at-attach (D43)", () => {
  const attachAll = (...names: readonly string[]): BufferBench => {
    const bench = new BufferBench({ coherency: "reject-at-attach" });
    bench.run(
      (function* (): Process {
        for (const name of names) yield* bench.buffer.attach(bench.system.device(name));
      })(),
    );
    return bench;
  };
  test("refuses the device that differs, whichever comes first, before the exporter is asked", () => {
    expect(() => attachAll("direct", "snooping")).toThrow(
      "dma_buf_attach: -EINVAL: snooping is coherent with the CPU, direct, already attached, is not coherent with the CPU",
    );
    expect(() => attachAll("snooping", "direct")).toThrow(CoherencyConflict);
    expect(() => attachAll("direct", "display", "direct")).not.toThrow();
  });

  test("what left is forgotten", () => {
    const bench = attachAll();
    bench.run(
      (function* (): Process {
        const first = yield* bench.buffer.attach(bench.system.device("direct"));
        yield* first.detach();
        yield* bench.buffer.attach(bench.system.device("snooping"));
      })(),
    );
    expect(bench.buffer.attachments).toHaveLength(1);
  });
});

test("every choice is a policy of that name, and the system says which", () => {
  for (const coherency of coherencyChoices) {
    expect(new BufferBench({ coherency }).system.policy.name).toBe(coherency);
  }
  expect(new BufferBench().system.policy.name).toBe("kernel");
});

test("maintenance before a transfer delays its start of the data, maintenance after it delays its end", () => {
  const bench = new BufferBench({ coherency: "begin-end-access" });
  const { buffer, system } = bench;
  const finished = bench.run(
    (function* (): Process<number> {
      const attachment = yield* buffer.attach(system.device("direct"));
      const mapping = yield* attachment.mapUnlocked("from-device");
      let end = -1;
      attachment.transfer(mapping, "write", 0, buffer.size, () => (end = system.simulation.now));
      yield 1_000_000;
      return end;
    })(),
  );
  const lines = buffer.size / 64;
  const transfer = Math.ceil((buffer.size / system.device("direct").bandwidth) * 1e9);
  expect(finished, "clean and invalidate, 10 ns a line").toBe(lines * 10 + transfer + lines * 10);
});
