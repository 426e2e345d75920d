// SPDX-License-Identifier: MIT
import { PAGE_SIZE } from "@dmabuf/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Memfd } from "../src/index.ts";
import { boot, run } from "./board.ts";

const PAGES = 8;
const page = fc.nat(PAGES - 1);
const command = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), page }),
  fc.record({ kind: fc.constant("hole" as const), page }),
  fc.record({ kind: fc.constant("pin" as const), page }),
  fc.record({ kind: fc.constant("unpin" as const), page: fc.nat(99) }),
  fc.record({ kind: fc.constant("close" as const), page }),
);

/** Objects with a reference count each: the file holds one on every page it has, every pin holds one. */
class Reference {
  readonly pages: ({ references: number } | null)[] = Array(PAGES).fill(null);
  readonly pins: { page: { references: number }; index: number; address: number }[] = [];
  readonly all = new Set<{ references: number }>();
  open = true;

  touch(index: number): { references: number } {
    const made = this.pages[index] ?? { references: 1 };
    this.pages[index] = made;
    this.all.add(made);
    return made;
  }

  drop(index: number): void {
    const dropped = this.pages[index];
    if (dropped != null) dropped.references--;
    this.pages[index] = null;
  }

  get live(): number {
    return [...this.all].filter(({ references }) => references > 0).length;
  }
}

test("a page lives exactly as long as the file or a pin has it", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const system = boot();
      const free = system.memory.pages.freePageCount();
      const memfd = new Memfd(system);
      memfd.truncate(PAGES * PAGE_SIZE);
      const reference = new Reference();
      for (const { kind, page: index } of commands) {
        if (kind === "unpin") {
          const [pin] = reference.pins.splice(index % Math.max(1, reference.pins.length), 1);
          if (pin === undefined) continue;
          pin.page.references--;
          memfd.unpin(pin.index, pin.address);
        } else if (!reference.open) continue;
        else if (kind === "write") {
          reference.touch(index);
          run(system, () => memfd.write(index * PAGE_SIZE, 1));
        } else if (kind === "hole") {
          reference.drop(index);
          memfd.punchHole(index * PAGE_SIZE, PAGE_SIZE);
        } else if (kind === "pin") {
          const pinned = reference.touch(index);
          pinned.references++;
          const address = memfd.pin(index, 1).starts[0] as number;
          expect(memfd.pageAt(index)).toBe(address);
          reference.pins.push({ page: pinned, index, address });
        } else {
          reference.open = false;
          for (let i = 0; i < PAGES; i++) reference.drop(i);
          memfd.close();
        }
        expect(free - system.memory.pages.freePageCount()).toBe(reference.live);
      }
      memfd.close();
      for (const { index, address } of reference.pins) memfd.unpin(index, address);
      expect(system.memory.pages.freePageCount()).toBe(free);
    }),
    { seed: 20261120, numRuns: 200 },
  );
});
