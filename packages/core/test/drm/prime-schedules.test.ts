// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { Process } from "../../src/index.ts";
import { explore } from "../../src/sim.ts";
import { bootToy, errnoOf, foreign, ToyCard } from "./toy-card.ts";

// Threads of one program and another one, who import, export and close at the same time.

test("under every schedule a buffer is one handle of a file, and nothing is left", () => {
  const ends = new Set<string>();
  const failing = explore(300, (scheduler) => {
    const system = bootToy({ scheduler });
    const { dmaBuf, dma, simulation } = system;
    const card = new ToyCard(system, "direct");
    const [one, two, first] = [card.drm.open(), card.drm.open(), card.drm.open()];
    const other = new ToyCard(system, "display").drm.open();
    const own = card.create();
    const buffer = foreign(system);
    const answers: string[] = [];
    const soon = function* (process: Process<unknown>): Process {
      yield 0;
      answers.push(yield* errnoOf(process));
    };
    simulation.complete(
      "program",
      (function* () {
        const handle = yield* one.createHandle(own);
        // Exported through another file, so that the first one has yet to ask for the buffer.
        const fd = yield* first.handleToFd(yield* first.createHandle(own));
        const tasks = [
          one.closeHandle(handle),
          one.handleToFd(handle),
          two.fdToHandle(fd),
          other.fdToHandle(fd),
          one.bufferToHandle(buffer),
          one.bufferToHandle(buffer),
          two.bufferToHandle(buffer),
        ].map((process, i) => simulation.spawn(`task ${i}`, soon(process)));
        for (const task of tasks) yield* task.join();
        expect(buffer.attachments).toHaveLength(2);
        expect(two.handles).toHaveLength(2);
        expect(own.handleCount).toBe(2);
        for (const file of [one, two, first, other]) yield* file.close();
        yield* own.put();
        for (let open = fd; dmaBuf.fds.size > 0; open++) dmaBuf.fds.close(open);
        buffer.put();
      })(),
    );
    ends.add(answers.sort().join());
    expect(dmaBuf.buffers).toEqual([]);
    expect(dma.live.size).toBe(0);
    expect(own.calls.at(-1)).toBe("free");
    expect(simulation.diagnostics.entries).toEqual([]);
  });
  if (failing !== null) throw failing.error;
  // The export that races with the close finds the handle or does not; nothing else may differ.
  expect([...ends].sort()).toEqual(["0,0,0,0,0,0,0", "0,0,0,0,0,0,ENOENT"]);
});
