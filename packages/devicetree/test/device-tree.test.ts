// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { readDeviceTree } from "../src/device-tree.ts";
import { assemble, offsetOf, patched, type Tree, u64 } from "./fdt-assembler.ts";

const sample: Tree = {
  model: "Board",
  compatible: ["acme,board", "acme,soc"],
  aliases: { serial0: "/soc/serial@1000", phandle: 99 },
  soc: {
    ranges: true,
    "serial@1000": { reg: [0x1000, 0x100], phandle: 1, status: "okay" },
    "serial@2000": { reg: [0x2000, 0x100], "linux,phandle": 2, status: "disabled", port: { status: "okay" } },
    "serial@3000": { status: "ok", label: new Uint8Array([0x47, 0x72, 0xfc, 0x6e, 0]) },
    "odd@0": { status: true },
  },
};

const refuse = (bytes: Uint8Array): InputError => {
  try {
    readDeviceTree(bytes, "b.dtb");
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error("was read");
};

describe("a tree", () => {
  const tree = readDeviceTree(assemble(sample), "b.dtb");

  test("keeps the order of the blob", () => {
    expect(tree.nodes.map((node) => node.path)).toEqual([
      "/",
      "/aliases",
      "/soc",
      "/soc/serial@1000",
      "/soc/serial@2000",
      "/soc/serial@2000/port",
      "/soc/serial@3000",
      "/soc/odd@0",
    ]);
    expect([...tree.root.properties.keys()]).toEqual(["model", "compatible"]);
  });

  test("is the same with a NOP in front of every token", () => {
    const noisy = readDeviceTree(assemble(sample, { nops: true }));
    const flat = (one: typeof tree) =>
      one.nodes.map((n) => [n.path, [...n.properties.values()].map((p) => [p.name, [...p.bytes]])]);
    expect(flat(noisy)).toEqual(flat(tree));
  });

  test("finds nodes by path, by alias, by name without address, by phandle", () => {
    expect(tree.find("/")).toBe(tree.root);
    expect(tree.find("/soc/serial@2000")?.name).toBe("serial@2000");
    expect(tree.find("/soc/serial")?.name).toBe("serial@1000");
    expect(tree.find("serial0")?.name).toBe("serial@1000");
    expect(tree.find("/soc/serial@4000")).toBeNull();
    expect(tree.find("/soc/serial@4000/x")).toBeNull();
    expect(tree.find("uart0")).toBeNull();
    expect(tree.find("")).toBeNull();
    expect(tree.byPhandle(1)?.name).toBe("serial@1000");
    expect(tree.byPhandle(2)?.name).toBe("serial@2000");
    expect(tree.byPhandle(3)).toBeNull();
    expect([...tree.aliases]).toEqual([["serial0", "/soc/serial@1000"]]);
  });

  test("a node is enabled when its status is absent, okay or ok, and all its ancestors are enabled", () => {
    const enabled = Object.fromEntries(tree.nodes.map((node) => [node.path, node.enabled]));
    expect(enabled).toMatchObject({
      "/soc": true,
      "/soc/serial@1000": true,
      "/soc/serial@2000": false,
      "/soc/serial@2000/port": false,
      "/soc/serial@3000": true,
      "/soc/odd@0": false,
    });
  });

  test("reads properties as cells, strings, text that is not ASCII", () => {
    const node = tree.find("/soc/serial@1000");
    expect(node?.cells("reg")).toEqual([0x1000, 0x100]);
    expect(node?.cells("none")).toBeNull();
    expect(node?.has("phandle")).toBe(true);
    expect(tree.root.compatible).toEqual(["acme,board", "acme,soc"]);
    expect(tree.find("/soc/serial@3000")?.string("label")).toBe("Grün");
    expect(readDeviceTree(assemble({ label: "Grün" })).root.string("label")).toBe("Grün");
  });

  test("a value read as what it is not is an error at its offset", () => {
    const blob = assemble({
      a: new Uint8Array([1, 2, 3]),
      b: [1, 2],
      c: "x\u001b[31m",
      d: new Uint8Array([0x41]),
    });
    const { root } = readDeviceTree(blob, "b.dtb");
    const at = offsetOf(blob, [1, 2, 3]);
    expect(() => root.cells("a")).toThrow(
      `b.dtb: byte ${at} (0x${at.toString(16)}): property a: 3 bytes are no whole number of 32-bit cells`,
    );
    expect(() => root.u32("b")).toThrow("8 bytes where one cell is expected");
    expect(() => root.strings("c")).toThrow('"x\\u001b[31m" is not text');
    expect(() => root.strings("d")).toThrow("the string has no end");
    expect(root.fault("here").message).toMatch(/^b\.dtb: byte 56 \(0x38\): here$/);
  });

  test("a property of no bytes holds no cells and no strings", () => {
    const soc = tree.find("/soc");
    expect([soc?.cells("ranges"), soc?.strings("ranges"), soc?.string("ranges")]).toEqual([[], [], null]);
  });
});

describe("a blob is refused, in one line with the byte offset, for", () => {
  const nested = (depth: number): Tree => (depth === 0 ? {} : { n: nested(depth - 1) });
  const plain = assemble({ abc: [1], n: { d: [2] } });
  const cell = (value: number) => [0, 0, 0, value];

  test.each<[what: string, bytes: Uint8Array, reason: string]>([
    ["an unknown token", patched(plain, 56, 7), "byte 56 (0x38): token 7 is none of the format's"],
    [
      "a structure without its end",
      patched(plain, offsetOf(plain, [...cell(2), ...cell(9)]) + 4, 4),
      "the structure block ends without its end token",
    ],
    [
      "an end inside of a node",
      patched(plain, offsetOf(plain, [...cell(2), ...cell(9)]), 9),
      "the tree ends inside of /",
    ],
    ["a node that ends twice", patched(plain, 56, 2), "byte 56 (0x38): a node ends that never began"],
    [
      "a property outside of any node",
      patched(plain, 56, 3),
      "byte 56 (0x38): a property outside of any node",
    ],
    ["an empty tree", patched(plain, 56, 9), "byte 56 (0x38): a tree without a root node"],
    [
      "a property behind child nodes",
      patched(patched(plain, offsetOf(plain, "n\0\0\0") + 24, 4), offsetOf(plain, "n\0\0\0") - 4, 1),
      "the tree ends inside of",
    ],
    [
      "a property longer than the structure",
      patched(plain, offsetOf(plain, [...cell(3), ...cell(4)]) + 4, 0x7fffffff),
      "property abc of 2147483647 bytes runs out of the structure block",
    ],
    [
      "a name offset outside of the strings",
      patched(plain, offsetOf(plain, [...cell(3), ...cell(4)]) + 8, 500),
      "name offset 500 is outside of the strings block",
    ],
    ["a property name that is none", assemble({ "a b": 1 }), '"a b" is no property name'],
    ["a property name without an end", patched(plain, 32, 3), "the property name has no end"],
    ["a node name with a slash", assemble({ "a/b": {} }), '"a/b" is no node name'],
    ["a node name of control characters", assemble({ "a\u0007": {} }), '"a\\u0007" is no node name'],
    ["a child without a name", assemble({ "": {} }), '"" is no node name'],
    ["nodes deeper than Linux takes", assemble(nested(64)), "nodes are nested deeper than 64"],
    [
      "two nodes of one phandle",
      assemble({ a: { phandle: 5 }, b: { phandle: 5 } }),
      "/b has the phandle 0x5 of /a",
    ],
    ["phandle 0", assemble({ a: { phandle: 0 } }), "/a has 0x0 as its phandle"],
    ["phandle -1", assemble({ a: { phandle: 0xffffffff } }), "/a has 0xffffffff as its phandle"],
    [
      "a phandle of two cells",
      assemble({ a: { phandle: u64(1) } }),
      "property phandle: 8 bytes where one cell is expected",
    ],
    [
      "an alias that is no string",
      assemble({ aliases: { x: new Uint8Array([1, 2]) } }),
      "property x: the string has no end",
    ],
  ])("%s", (_, bytes, reason) => {
    const { message } = refuse(bytes);
    expect(message).toContain(reason);
    expect(message).toMatch(/^b\.dtb: byte \d+ \(0x[0-9a-f]+\): [^\n]+$/);
  });

  test("a path, a compatible string or a number of nodes beyond any board's", () => {
    expect(refuse(assemble({ ["x".repeat(512)]: {} })).message).toContain("a path of 513 characters");
    const { root } = readDeviceTree(assemble({ compatible: "y".repeat(129) }), "b.dtb");
    expect(() => root.compatible).toThrow("b.dtb: byte 56 (0x38): a compatible string of 129 characters");
    const many = Object.fromEntries(Array.from({ length: 65_536 }, (_, index) => [`n${index}`, {}]));
    expect(refuse(assemble(many)).message).toContain("more than 65536 nodes");
  });

  test("a second root", () => {
    const blob = assemble({ n: {} });
    const twice = patched(blob, offsetOf(blob, "n\0\0\0") - 4, 2);
    const at = offsetOf(blob, "n\0\0\0");
    expect(refuse(patched(twice, at, 1)).message).toContain(
      `byte ${at} (0x${at.toString(16)}): a second root node`,
    );
  });

  test("two children or two properties of one name", () => {
    const nodes = assemble({ "n@1": {}, "n@2": {} });
    const same = nodes.slice();
    same[offsetOf(nodes, "n@2") + 2] = 0x31;
    expect(refuse(same).message).toContain('a second node "n@1" in /');
    const properties = assemble({ aa: 1, ab: 2 });
    const twice = properties.slice();
    twice[offsetOf(properties, "ab") + 1] = 0x61;
    expect(refuse(twice).message).toContain("a second property aa in /");
  });

  test("a property behind the children of its node", () => {
    const blob = assemble({ a: {}, b: { p: 1 } });
    // Without b's begin token its property is one of the root, behind /a.
    const inside = offsetOf(blob, [...[0, 0, 0, 1], 0x62, 0, 0, 0]);
    const moved = patched(patched(blob, inside, 4), inside + 4, 4);
    expect(refuse(moved).message).toContain("a property behind the child nodes of /");
  });
});
