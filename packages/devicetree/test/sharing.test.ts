// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { MemoryRange } from "../src/reserve-map.ts";
import { type Sharer, shareMatrix } from "../src/sharing.ts";

const GiB = 2 ** 30;
const low: MemoryRange = { base: 0, size: 2 * GiB };
const high: MemoryRange = { base: 32 * GiB, size: 2 * GiB };
const sharer = (path: string, properties: Partial<Sharer> = {}): Sharer => ({
  path,
  coherent: false,
  translated: false,
  windows: null,
  restrictedTo: null,
  ...properties,
});
const window = (cpu: number, size: number, bus = cpu) => [{ bus, cpu, size }];
const a = (properties: Partial<Sharer> = {}) => sharer("/a", properties);
const b = (properties: Partial<Sharer> = {}) => sharer("/b", properties);

const coherent = { coherent: true };
const translated = { translated: true };

describe("the share matrix", () => {
  test.each<[rule: string, from: Sharer, to: Sharer, ram: MemoryRange[], verdict: string, why: string]>([
    [
      "neither coherent: memory is where they meet",
      a(),
      b(),
      [low],
      "direct",
      "both bypass the CPU's caches",
    ],
    ["both coherent", a(coherent), b(coherent), [low], "direct", "both snoop the CPU's caches"],
    [
      "writer not, reader coherent: stale lines go",
      a(),
      b(coherent),
      [low],
      "maintenance",
      "stale lines have to be invalidated",
    ],
    [
      "writer coherent, reader not: its port may allocate",
      a(coherent),
      b(),
      [low],
      "maintenance",
      "then has to be cleaned; the device tree does not say",
    ],
    [
      "a limit above all RAM does nothing",
      a({ windows: window(0, 4 * GiB) }),
      b(),
      [low],
      "direct",
      "both bypass",
    ],
    [
      "a limit below the top of RAM bounces",
      a({ windows: window(0, GiB) }),
      b(),
      [low],
      "bounce",
      "/a does not reach RAM at 0x40000000: allocate where it does",
    ],
    [
      "so does a limit between two banks",
      a(),
      b({ windows: window(0, 4 * GiB) }),
      [low, high],
      "bounce",
      "/b does not reach RAM at 0x800000000",
    ],
    [
      "so does RAM below the windows",
      a({ windows: window(GiB, GiB) }),
      b(),
      [low],
      "bounce",
      "/a does not reach RAM at 0x0",
    ],
    [
      "an IOMMU lifts the limit",
      a({ windows: window(0, GiB), ...translated }),
      b(),
      [low, high],
      "direct",
      "both bypass",
    ],
    [
      "no window onto RAM",
      a({ windows: window(64 * GiB, GiB) }),
      b(),
      [low],
      "impossible",
      "no window of /a shows any RAM",
    ],
    [
      "windows that have no RAM in common",
      a({ windows: window(0, GiB) }),
      b({ windows: window(GiB, GiB) }),
      [low],
      "impossible",
      "the windows of /a and /b show no common RAM",
    ],
    [
      "windows apart, but an IOMMU in front of one",
      a({ windows: window(0, GiB), ...translated }),
      b({ windows: window(GiB, GiB) }),
      [low],
      "bounce",
      "/b does not reach RAM at 0x0",
    ],
    [
      "windows that overlap partly",
      a({ windows: window(0, GiB + 1) }),
      b({ windows: window(GiB, 4 * GiB) }),
      [low],
      "bounce",
      "/b does not reach RAM at 0x0",
    ],
    [
      "bus addresses do not matter, what they show does",
      a({ windows: window(0, 2 * GiB, 64 * GiB) }),
      b(),
      [low],
      "direct",
      "both bypass",
    ],
    ["no RAM known and no limit", a(), b(), [], "direct", "both bypass"],
    [
      "no RAM known, a limit",
      a({ windows: window(0, GiB) }),
      b(),
      [],
      "unknown",
      "whether /a reaches all of it is not known",
    ],
    [
      "no RAM known, a limit behind an IOMMU",
      a({ windows: window(0, GiB), ...translated }),
      b(),
      [],
      "direct",
      "both bypass",
    ],
    [
      "no RAM known, windows apart",
      a({ windows: window(0, GiB) }),
      b({ windows: window(GiB, GiB) }),
      [],
      "impossible",
      "no common RAM",
    ],
    [
      "no RAM known, a limit, mixed: the maintenance is certain",
      a({ windows: window(0, GiB) }),
      b(coherent),
      [],
      "maintenance",
      "whether /a reaches all of it is not known",
    ],
    [
      "a restricted pool",
      a({ restrictedTo: "/r" }),
      b(),
      [low],
      "bounce",
      "all DMA of /a is copied through /r",
    ],
    [
      "a restricted pool behind an IOMMU is not looked up",
      a({ restrictedTo: "/r", ...translated }),
      b(),
      [low],
      "direct",
      "both bypass",
    ],
  ])("%s", (_, from, to, ram, verdict, why) => {
    const [entry] = shareMatrix([from, to], ram);
    expect(entry).toMatchObject({ from: "/a", to: "/b", verdict });
    expect(entry?.why.join("\n")).toContain(why);
  });

  test("names every reason, the heaviest decides", () => {
    const [entry] = shareMatrix(
      [a({ windows: window(0, GiB) }), b({ coherent: true, windows: window(0, 4096) })],
      [low],
    );
    expect(entry?.verdict).toBe("bounce");
    expect(entry?.why).toHaveLength(3);
  });

  test("has every ordered pair once, producers in order", () => {
    const pairs = shareMatrix([sharer("/a"), sharer("/b"), sharer("/c")], []).map((one) => one.from + one.to);
    expect(pairs).toEqual(["/a/b", "/a/c", "/b/a", "/b/c", "/c/a", "/c/b"]);
    expect(shareMatrix([a()], [low])).toEqual([]);
    expect(shareMatrix([], [])).toEqual([]);
  });

  test("RAM in pieces is the RAM that they make", () => {
    const pieces = [
      { base: 4096, size: 4096 },
      { base: 0, size: 4096 },
      { base: 8192, size: 0 },
    ];
    const [whole] = shareMatrix([a({ windows: window(0, 8192) }), b()], pieces);
    expect(whole?.verdict).toBe("direct");
    const [part] = shareMatrix([a({ windows: window(0, 8191) }), b()], pieces);
    expect(part).toMatchObject({ verdict: "bounce" });
    expect(part?.why[0]).toContain("at 0x1fff");
  });
});
