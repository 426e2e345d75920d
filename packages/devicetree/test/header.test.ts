// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { readDeviceTree } from "../src/device-tree.ts";
import { assemble, patched } from "./fdt-assembler.ts";

const blob = assemble({ model: "one", soc: { x: 1 } });
const total = blob.length;

const message = (bytes: Uint8Array): string => {
  try {
    readDeviceTree(bytes, "a.dtb");
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return "read";
};

describe("the header", () => {
  test.each<[what: string, bytes: Uint8Array, expected: string]>([
    [
      "nothing at all",
      new Uint8Array(0),
      "a.dtb: byte 0 (0x0): not a flattened device tree: only 0 bytes, not with 0xd00dfeed",
    ],
    [
      "another magic",
      patched(blob, 0, 0x7f454c46),
      "a.dtb: byte 0 (0x0): not a flattened device tree: it begins with 0x7f454c46, not with 0xd00dfeed",
    ],
    [
      "source text",
      new TextEncoder().encode("/dts-v1/;\n/ { };"),
      "this is source, compile it with dtc first",
    ],
    [
      "the magic alone",
      blob.subarray(0, 4),
      "a.dtb: byte 4 (0x4): the header ends before its field totalsize",
    ],
    [
      "a file shorter than totalsize",
      blob.subarray(0, total - 1),
      `byte 4 (0x4): truncated: totalsize says ${total} bytes, there are ${total - 1}`,
    ],
    [
      "a totalsize below the header",
      patched(blob, 4, 39),
      "byte 4 (0x4): totalsize 39 is less than the header's 40",
    ],
    [
      "a totalsize beyond any device tree",
      patched(assemble({ x: new Uint8Array(2 ** 24) }), 20, 17),
      "is above 16777216: no device tree is",
    ],
    ["version 3", patched(blob, 20, 3), "byte 20 (0x14): version 3 is older than 16"],
    [
      "a format of the future",
      patched(patched(blob, 20, 99), 24, 18),
      "byte 24 (0x18): readers up to version 17 cannot read it",
    ],
    [
      "last_comp_version above version",
      patched(patched(blob, 20, 16), 24, 17),
      "byte 24 (0x18): last_comp_version 17 is above version 16",
    ],
    ["a structure outside", patched(blob, 8, total + 4), "byte 8 (0x8): off_dt_struct"],
    [
      "a structure that is not aligned",
      patched(blob, 8, 58),
      "byte 8 (0x8): off_dt_struct 58 is not a multiple of 4",
    ],
    ["a structure that ends outside", patched(blob, 36, total), "byte 8 (0x8): dt_struct of"],
    ["a structure in the header", patched(blob, 8, 0), "byte 8 (0x8): off_dt_struct 0 is outside"],
    ["strings outside", patched(blob, 12, total + 1), "byte 12 (0xc): off_dt_strings"],
    ["strings that end outside", patched(blob, 32, total), "byte 12 (0xc): dt_strings of"],
    [
      "a reserve map outside",
      patched(blob, 16, total - (total % 8)),
      "byte 16 (0x10): mem_rsvmap of 16 bytes",
    ],
    [
      "a reserve map that is not aligned",
      patched(blob, 16, 44),
      "byte 16 (0x10): off_mem_rsvmap 44 is not a multiple of 8",
    ],
  ])("%s is refused", (_, bytes, expected) => {
    expect(message(bytes)).toContain(expected);
    expect(message(bytes)).not.toContain("\n");
  });

  test("version 17, its successors that stay compatible, and version 16 are read", () => {
    expect(readDeviceTree(blob).version).toBe(17);
    expect(readDeviceTree(patched(blob, 20, 18)).version).toBe(18);
    const old = assemble({ model: "old", a: { b: {} } }, { version: 16 });
    const tree = readDeviceTree(old);
    expect([tree.version, tree.root.string("model"), tree.nodes.length]).toEqual([16, "old", 3]);
  });

  test("version 16 with the strings in front of the structure is read up to the end", () => {
    const old = assemble({ model: "old" }, { version: 16 });
    const structAt = 56;
    const struct = old.slice(structAt, old.length - 6);
    const strings = old.slice(old.length - 6);
    const swapped = new Uint8Array(structAt + 8 + struct.length);
    swapped.set(old.subarray(0, structAt));
    swapped.set(strings, structAt);
    swapped.set(struct, structAt + 8);
    const fields = patched(patched(patched(swapped, 8, structAt + 8), 12, structAt), 4, swapped.length);
    expect(readDeviceTree(fields).root.string("model")).toBe("old");
  });

  test("what follows totalsize is ignored", () => {
    expect(readDeviceTree(assemble({ model: "padded" }, { trailing: 100 })).root.string("model")).toBe(
      "padded",
    );
  });

  test("boot CPU and reserve map are read, sizes of 2^53 and above saturated", () => {
    const tree = readDeviceTree(
      assemble(
        {},
        {
          bootCpu: 0x100,
          reserve: [
            [0, 4096],
            [2 ** 40, 2 ** 60],
          ],
        },
      ),
    );
    expect(tree.bootCpu).toBe(0x100);
    expect(tree.reserved).toEqual([
      { base: 0, size: 4096 },
      { base: 2 ** 40, size: 2 ** 53 },
    ]);
  });

  test("a reserve map without an end is refused where it runs out", () => {
    const full = assemble({}, { reserve: [[4096, 4096]] });
    const endless = patched(patched(full, 16, full.length - (full.length % 8) - 16), 4, full.length);
    expect(message(endless)).toMatch(/byte \d+ \(0x[0-9a-f]+\): the memory reservation block has no end/);
  });
});
