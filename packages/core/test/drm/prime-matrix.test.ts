// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { DrmFile } from "../../src/drm.ts";
import { bootToy, foreign, ToyCard, type ToyGem } from "./toy-card.ts";

// The matrix of PRIME handles, typed from the rules: where a dma-buf came from, who turns it into a handle.

type Origin = "exported, handle open" | "exported, handle closed" | "imported" | "re-exported import";
type Where = "same file" | "other file, same device" | "other device";

interface Outcome {
  /** Whether the handle is the one that the file had for it. */
  readonly sameHandle: boolean;
  /** Whether the object is the one that the first file has, or had. */
  readonly sameObject: boolean;
  /** Attachments of the importing device that it adds. */
  readonly attaches: number;
}

const matrix: Readonly<Record<Origin, Readonly<Record<Where, Outcome>>>> = {
  "exported, handle open": {
    "same file": { sameHandle: true, sameObject: true, attaches: 0 },
    "other file, same device": { sameHandle: false, sameObject: true, attaches: 0 },
    "other device": { sameHandle: false, sameObject: false, attaches: 1 },
  },
  "exported, handle closed": {
    "same file": { sameHandle: false, sameObject: true, attaches: 0 },
    "other file, same device": { sameHandle: false, sameObject: true, attaches: 0 },
    "other device": { sameHandle: false, sameObject: false, attaches: 1 },
  },
  imported: {
    "same file": { sameHandle: true, sameObject: true, attaches: 0 },
    "other file, same device": { sameHandle: false, sameObject: false, attaches: 1 },
    "other device": { sameHandle: false, sameObject: false, attaches: 1 },
  },
  "re-exported import": {
    "same file": { sameHandle: true, sameObject: true, attaches: 0 },
    "other file, same device": { sameHandle: false, sameObject: false, attaches: 1 },
    "other device": { sameHandle: false, sameObject: false, attaches: 1 },
  },
};

for (const [origin, row] of Object.entries(matrix) as [Origin, (typeof matrix)[Origin]][]) {
  describe(`a dma-buf that was ${origin}`, () => {
    for (const [where, expected] of Object.entries(row) as [Where, Outcome][]) {
      test(`turned into a handle: ${where}`, () => {
        const system = bootToy();
        const { dmaBuf, dma, simulation } = system;
        const card = new ToyCard(system, "direct");
        const first = card.drm.open();
        const files: Record<Where, DrmFile<ToyGem>> = {
          "same file": first,
          "other file, same device": card.drm.open(),
          "other device": new ToyCard(system, "display").drm.open(),
        };
        const outcome = simulation.complete(
          "matrix",
          (function* () {
            let handle: number;
            let fd: number;
            if (origin.startsWith("exported")) {
              const own = card.create();
              handle = yield* first.createHandle(own);
              yield* own.put();
              fd = yield* first.handleToFd(handle);
            } else {
              fd = dmaBuf.fds.install(foreign(system));
              handle = yield* first.fdToHandle(fd);
            }
            if (origin === "re-exported import") {
              const again = yield* first.handleToFd(handle);
              expect(dmaBuf.buffers).toHaveLength(1);
              dmaBuf.fds.close(fd);
              fd = again;
            }
            const object = first.lookup(handle);
            if (origin === "exported, handle closed") yield* first.closeHandle(handle);
            const [buffer] = dmaBuf.buffers;
            const before = buffer?.attachments.length as number;
            const file = files[where];
            const found = yield* file.fdToHandle(fd);
            const attaches = (buffer?.attachments.length as number) - before;
            // A second time is never another handle, nor a reference that one close leaves.
            expect(yield* file.fdToHandle(fd)).toBe(found);
            const result = {
              sameHandle: file === first && origin !== "exported, handle closed" && found === handle,
              sameObject: file.lookup(found) === object,
              attaches,
            };
            expect(yield* file.handleToBuffer(found)).toBe(buffer);
            buffer?.put();
            yield* file.closeHandle(found);
            expect(file.handles).toEqual([]);
            for (const open of Object.values(files)) yield* open.close();
            dmaBuf.fds.close(fd);
            return result;
          })(),
        );
        expect(outcome).toEqual(expected);
        expect(dmaBuf.buffers).toEqual([]);
        expect(dma.live.size).toBe(0);
        expect(simulation.diagnostics.entries).toEqual([]);
      });
    }
  });
}
