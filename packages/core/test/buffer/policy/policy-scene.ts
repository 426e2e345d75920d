// SPDX-License-Identifier: MIT
import type { AccessKind } from "../../../src/coherency/operation.ts";
import type { Attachment, CoherencyChoice, Process, SgMapping } from "../../../src/index.ts";
import { BufferBench } from "../buffer-bench.ts";

/** A device of the toy board, and whether it reads or writes. */
export type Turn = readonly [device: "direct" | "display" | "snooping", kind: AccessKind];

/** What happened in a scene: maintenance at map, around each turn, at unmap, and what went wrong. */
export interface Scene {
  readonly map: readonly string[];
  readonly turns: readonly (readonly string[])[];
  readonly unmap: readonly string[];
  readonly hazards: readonly string[];
  readonly assumptions: readonly string[];
}

/** Devices share a buffer under a policy: each attaches and maps, they take turns, each unmaps and detaches. */
export function play(coherency: CoherencyChoice, turns: readonly Turn[], cpuWritesFirst = false): Scene {
  const bench = new BufferBench({ coherency });
  const { buffer, system } = bench;
  const since = (from: number): string[] => bench.maintenance.slice(from);
  const scene = { map: [] as string[], turns: [] as string[][], unmap: [] as string[] };
  let assumptions: readonly string[] = [];
  bench.run(
    (function* (): Process {
      if (cpuWritesFirst) {
        using cpu = buffer.mmap();
        yield* cpu.write();
      }
      const users = new Map<string, { attachment: Attachment; mapping: SgMapping }>();
      for (const [device] of turns) {
        if (users.has(device)) continue;
        const attachment = yield* buffer.attach(system.device(device));
        const kinds = new Set(turns.filter(([name]) => name === device).map(([, kind]) => kind));
        const direction = kinds.size > 1 ? "bidirectional" : kinds.has("read") ? "to-device" : "from-device";
        users.set(device, { attachment, mapping: yield* attachment.mapUnlocked(direction) });
      }
      scene.map = since(0);
      assumptions = system.policy.assumptions(buffer);
      for (const [device, kind] of turns) {
        const { attachment, mapping } = users.get(device) as { attachment: Attachment; mapping: SgMapping };
        const before = bench.maintenance.length;
        let done = false;
        attachment.transfer(mapping, kind, 0, buffer.size, () => (done = true));
        while (!done) yield 1_000_000;
        scene.turns.push(since(before));
      }
      const before = bench.maintenance.length;
      for (const { attachment, mapping } of users.values()) {
        yield* attachment.unmapUnlocked(mapping);
        yield* attachment.detach();
      }
      scene.unmap = since(before);
    })(),
  );
  return { ...scene, assumptions, hazards: system.hazards.map(({ code }) => code) };
}
