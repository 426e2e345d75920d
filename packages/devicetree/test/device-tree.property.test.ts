// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeBoard } from "../src/board.ts";
import type { DeviceNode } from "../src/device-node.ts";
import { readDeviceTree } from "../src/device-tree.ts";
import { assemble, type Tree, type Value } from "./fdt-assembler.ts";

const seed = 20261120;
const name = fc.stringMatching(/^[a-z][a-z0-9,._+-]{0,12}(@[0-9a-f]{1,8})?$/);
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(true as const),
  fc.uint8Array({ maxLength: 20 }),
  fc.array(fc.nat(0xffff_ffff), { minLength: 1, maxLength: 5 }),
  fc.array(fc.stringMatching(/^[ -~]{0,12}$/), { minLength: 1, maxLength: 3 }),
);
const treesOf = (depth: number): fc.Arbitrary<Tree> => {
  const properties = fc
    .dictionary(name, value, { maxKeys: 4 })
    .map((own) =>
      Object.fromEntries(Object.entries(own).filter(([key]) => !/phandle$|^(status|aliases)$/.test(key))),
    );
  if (depth === 0) return properties;
  const children = fc
    .dictionary(name, treesOf(depth - 1), { maxKeys: 3 })
    .map((own) => Object.fromEntries(Object.entries(own).map(([key, child]) => [`${key}+`, child])));
  return fc.tuple(properties, children).map(([one, other]): Tree => ({ ...one, ...other }));
};
const trees = treesOf(3);

/** A tree with everything that the rules look at, so that a changed byte lands somewhere that matters. */
const dense: Tree = {
  "#address-cells": 2,
  "#size-cells": 2,
  model: "Dense",
  compatible: "acme,dense",
  aliases: { usb0: "/soc/usb@1000" },
  cpus: {
    "cpu@0": { device_type: "cpu", compatible: "arm,cortex-a53", reg: 0, "next-level-cache": 9 },
    l2: { phandle: 9, "cache-line-size": 64 },
  },
  "memory@0": { device_type: "memory", reg: [0, 0, 0, 0x8000_0000, 8, 0, 0, 0x8000_0000] },
  "reserved-memory": {
    "#address-cells": 2,
    "#size-cells": 2,
    ranges: true,
    cma: { compatible: "shared-dma-pool", reusable: true, size: [0, 0x1000], phandle: 4 },
  },
  soc: {
    compatible: "simple-bus",
    "#address-cells": 1,
    "#size-cells": 1,
    ranges: [0, 0, 0, 0x10000],
    "dma-ranges": [0xc000_0000, 0, 0, 0x4000_0000],
    "iommu@1": { compatible: "arm,mmu-500", "#iommu-cells": 1, phandle: 1 },
    "mbus@2": { phandle: 2, "#interconnect-cells": 1, "dma-ranges": [0, 0x4000_0000, 0x4000_0000] },
    "usb@1000": {
      compatible: "snps,dwc3",
      reg: [0x1000, 1],
      iommus: [1, 5],
      status: "okay",
      "memory-region": 4,
    },
    "display@2000": {
      compatible: "arm,hdlcd",
      reg: [0x2000, 1],
      interconnects: [2, 1],
      "interconnect-names": "dma-mem",
    },
    "pcie@3000": {
      device_type: "pci",
      reg: [0x3000, 1],
      "#address-cells": 3,
      "#size-cells": 2,
      "dma-coherent": true,
      "iommu-map": [0, 1, 0, 0x100],
      "dma-ranges": [0x4300_0000, 0, 0, 0, 1, 0],
    },
  },
};

/** Reads and describes; only an `InputError` of one line with the byte offset may come out besides an answer. */
function survives(bytes: Uint8Array): boolean {
  try {
    const text = JSON.stringify(describeBoard(readDeviceTree(bytes, "f.dtb")));
    expect(text).not.toMatch(/undefined|NaN/);
    return true;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).toMatch(/^f\.dtb: byte \d+ \(0x[0-9a-f]+\): [\x20-\x7e]+$/);
    expect(Number(/byte (\d+)/.exec(error.message)?.[1])).toBeLessThanOrEqual(Math.max(bytes.length, 40));
    return false;
  }
}

describe("any tree", () => {
  const plain = (node: DeviceNode): unknown => [
    node.name,
    [...node.properties.values()].map((property) => [property.name, [...property.bytes]]),
    node.children.map(plain),
  ];
  const bytesOf = (one: Exclude<Value, Tree>): number[] => {
    const words = (cell: number) => [cell >>> 24, (cell >>> 16) & 255, (cell >>> 8) & 255, cell & 255];
    if (one === true) return [];
    if (typeof one === "number") return words(one);
    if (one instanceof Uint8Array) return [...one];
    return (typeof one === "string" ? [one] : [...one]).flatMap((part: string | number) =>
      typeof part === "number" ? words(part) : [...Buffer.from(part), 0],
    );
  };
  const isTree = (one: Value): one is Tree =>
    typeof one === "object" && !Array.isArray(one) && !(one instanceof Uint8Array);
  const written = (nodeName: string, content: Tree): unknown => {
    const entries = Object.entries(content);
    return [
      nodeName,
      entries.flatMap(([key, one]) => (isTree(one) ? [] : [[key, bytesOf(one)]])),
      entries.flatMap(([key, one]) => (isTree(one) ? [written(key, one)] : [])),
    ];
  };

  test("is read back as it was written, NOPs and version or not", () => {
    fc.assert(
      fc.property(trees, fc.boolean(), fc.constantFrom(16, 17), (content, nops, version) => {
        const read = readDeviceTree(assemble(content, { nops, version }));
        expect(plain(read.root)).toEqual(written("", content));
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe("a broken blob gives an answer or one line with the byte offset:", () => {
  const blob = assemble(dense, { reserve: [[0x1000, 0x1000]] });

  test("the sound one gives an answer", () => {
    expect(survives(blob)).toBe(true);
  });

  test("cut anywhere, it is refused", () => {
    for (let length = 0; length < blob.length; length++)
      expect(survives(blob.subarray(0, length))).toBe(false);
  });

  test("cut anywhere with totalsize to match, it is refused or read", () => {
    for (let length = 40; length < blob.length; length++) {
      const cut = blob.slice(0, length);
      new DataView(cut.buffer).setUint32(4, length);
      survives(cut);
    }
  });

  test("every byte replaced, one at a time", () => {
    for (let at = 0; at < blob.length; at++) {
      for (const byte of [0, 0xff]) {
        const changed = blob.slice();
        changed[at] = byte;
        survives(changed);
      }
    }
  });

  test("every aligned word replaced by values that are special somewhere", () => {
    for (let at = 0; at + 4 <= blob.length; at += 4) {
      for (const word of [1, 2, 3, 4, 9, 0x7fff_ffff, 0xffff_fffc]) {
        const changed = blob.slice();
        new DataView(changed.buffer).setUint32(at, word);
        survives(changed);
      }
    }
  });

  test("several bytes changed at random", () => {
    const change = fc.tuple(fc.nat(blob.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const changed = blob.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        survives(changed);
      }),
      { seed, numRuns: 3000 },
    );
  });

  test("random bytes, bare or behind a sound header", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        survives(bytes);
        const changed = blob.slice();
        changed.set(bytes.subarray(0, blob.length - 56), 56);
        survives(changed);
      }),
      { seed, numRuns: 1000 },
    );
  });

  test("random cells in the properties that the rules read", () => {
    const cells = fc.array(
      fc.oneof(fc.nat(12), fc.constantFrom(0xffff_ffff, 0x8000_0000), fc.nat(0xffff_ffff)),
      { minLength: 1, maxLength: 12 },
    );
    const properties = fc.dictionary(
      fc.constantFrom(
        "iommus",
        "iommu-map",
        "interconnects",
        "dma-ranges",
        "ranges",
        "reg",
        "#iommu-cells",
        "#interconnect-cells",
        "#address-cells",
        "#size-cells",
        "memory-region",
        "phandle",
      ),
      fc.oneof(cells, fc.nat(9), fc.constant(true as const)),
      { maxKeys: 6 },
    );
    const node = properties.map(
      (own): Tree => ({
        compatible: "snps,dwc3",
        "interconnect-names": "dma-mem",
        "dma-coherent": true,
        ...own,
      }),
    );
    fc.assert(
      fc.property(properties, properties, node, node, node, (root, bus, a, b, c) => {
        survives(
          assemble({ ...root, soc: { ...bus, "usb@1": a, "pcie@2": { ...b, "wifi@0": c } }, "usb@3": c }),
        );
      }),
      { seed, numRuns: 3000 },
    );
  });

  test("large and hostile ones are over quickly", () => {
    const many = (count: number, make: (index: number) => Tree): Tree =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`n@${index}`, make(index)]));
    survives(assemble({ ...many(200, () => ({ "dma-coherent": true })) }));
    // A chain of DMA parents through all nodes, and then one that closes.
    const link =
      (next: number) =>
      (index: number): Tree => ({
        phandle: index + 1,
        "#interconnect-cells": 0,
        interconnects: next === 0 ? index + 2 : next,
        "interconnect-names": "dma-mem",
        "dma-coherent": true,
      });
    expect(survives(assemble(many(200, link(0))))).toBe(true);
    expect(survives(assemble(many(200, link(1))))).toBe(false);
    const wide = new Array<number>(3 * 30).fill(0).map((_, index) => (index % 3 === 2 ? 1 : index * 4));
    let nested: Tree = { "usb@1": { compatible: "snps,dwc3", reg: [1, 1] } };
    for (let depth = 0; depth < 60; depth++)
      nested = { [`b@${depth}`]: { compatible: "simple-bus", ranges: wide, "dma-ranges": wide, ...nested } };
    expect(survives(assemble(nested))).toBe(true);
  });
});
