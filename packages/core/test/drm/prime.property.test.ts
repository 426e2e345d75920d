// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DrmFile } from "../../src/drm.ts";
import type { Process } from "../../src/index.ts";
import { ModelPrime } from "./model-prime.ts";
import { bootToy, errnoOf, type OwnGem, ToyCard, type ToyGem } from "./toy-card.ts";

// Random programs of two devices and three files, against a model that counts nothing: it says who is alive by who can
// be reached.

/** Which file, and which of its handles or of the descriptors, modulo as many as there are; now and then one too many. */
const step = fc.record({
  kind: fc.constantFrom("create", "close", "export", "import", "dup", "close fd"),
  file: fc.integer({ min: 0, max: 2 }),
  pick: fc.nat(100),
});

test("handles, buffers and attachments are as the model says, and nothing is left", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const system = bootToy();
      const { dmaBuf, dma, simulation } = system;
      const cards = [new ToyCard(system, "direct"), new ToyCard(system, "display")] as const;
      const files: readonly DrmFile<ToyGem>[] = [
        cards[0].drm.open(),
        cards[0].drm.open(),
        cards[1].drm.open(),
      ];
      const model = new ModelPrime([0, 0, 1]);
      const created: OwnGem[] = [];

      function* both(program: Process<unknown>, answer: string): Process {
        expect(yield* errnoOf(program)).toBe(answer);
        // Objects that lost their last reference to a dma-buf go in a task of their own.
        yield 1;
        expect(files.map((file) => file.handles)).toEqual(model.handles);
        expect(dmaBuf.fds.size).toBe(model.fds.length);
        expect(dmaBuf.buffers.map(({ ino }) => ino)).toEqual(model.livingBuffers);
        expect(dma.live.size).toBe(model.livingImports);
        expect(created.filter(({ calls }) => !calls.includes("free")).length).toBe(model.livingOwn);
      }

      function* create(file: number): Process {
        const object = (file === 2 ? cards[1] : cards[0]).create();
        created.push(object);
        yield* (files[file] as DrmFile<ToyGem>).createHandle(object);
        yield* object.put();
      }

      simulation.complete(
        "program",
        (function* () {
          for (const { kind, file: at, pick } of steps) {
            const file = files[at] as DrmFile<ToyGem>;
            const open = model.handles[at] as readonly number[];
            const handle = open[pick % (open.length + 1)] ?? 77;
            const fd = model.fds[pick % (model.fds.length + 1)] ?? 77;
            if (kind === "create") yield* both(create(at), model.create(at));
            else if (kind === "close") yield* both(file.closeHandle(handle), model.close(at, handle));
            else if (kind === "export") yield* both(file.handleToFd(handle), model.export(at, handle));
            else if (kind === "import") yield* both(file.fdToHandle(fd), model.import(at, fd));
            else if (kind === "dup")
              yield* both(
                descriptor(() => dmaBuf.fds.dup(fd)),
                model.dup(fd),
              );
            else
              yield* both(
                descriptor(() => dmaBuf.fds.close(fd)),
                model.closeFd(fd),
              );
          }
          for (const file of files) yield* file.close();
          for (const fd of model.fds) dmaBuf.fds.close(fd);
        })(),
      );
      expect(dmaBuf.buffers).toEqual([]);
      expect(dma.live.size).toBe(0);
      expect(created.every(({ calls }) => calls.filter((call) => call === "free").length === 1)).toBe(true);
      expect(simulation.diagnostics.entries).toEqual([]);
    }),
    { seed: 610, numRuns: 300 },
  );
});

function* descriptor(call: () => void): Process {
  call();
}
