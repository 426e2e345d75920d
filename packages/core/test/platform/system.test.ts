// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { StaticImporter } from "../../src/buffer/static-importer.ts";
import {
  assemble,
  board,
  type DeviceDescription,
  definePlugin,
  Extents,
  kernelProfiles,
  linux72,
  linux612,
  type Port,
  type System,
} from "../../src/index.ts";
import { DmaResv } from "../../src/sync.ts";
import { toyArch } from "../../src/testing.ts";
import { noExporter, noImporter, plugin, smallBoard } from "./toy-plugin.ts";

const boot = (devices: Record<string, DeviceDescription>): System =>
  assemble(board({ model: "m", memory: [{ base: 0, size: "64MiB" }], devices }), [toyArch()]).boot();

describe("devices", () => {
  test.each<[boolean, Port | undefined, string]>([
    [true, undefined, "snoop-allocate"],
    [true, "snoop", "snoop"],
    [true, "direct", "direct"],
    [false, undefined, "direct"],
    [false, "snoop", "snoop"],
    [false, "snoop-allocate", "snoop-allocate"],
  ])("coherent %s with port %s: its accesses go %s", (coherent, port, kind) => {
    const system = boot({ a: { class: "dma", coherent, ...(port === undefined ? {} : { port }) } });
    const { route } = system.device("a");
    expect([route.kind, route.domain?.name ?? null]).toEqual([kind, kind === "direct" ? null : "cpu"]);
    expect(system.device("a").coherent, "what Linux believes is another matter").toBe(coherent);
  });

  test("have defaults that are said nowhere else", () => {
    const system = boot({ a: { class: "dma", coherent: false } });
    const { name, class: kind, windows, masks, bandwidth, timeline } = system.device("a");
    expect(windows).toEqual([{ cpu: 0, bus: 0, size: Number.POSITIVE_INFINITY }]);
    expect([masks.streaming, masks.coherent]).toEqual([2 ** 53 - 1, 2 ** 53 - 1]);
    expect([name, kind, bandwidth, timeline.name]).toEqual(["a", "dma", 2 ** 30, "a"]);
    const other = boot({ a: { class: "usb", coherent: true, limit: "4GiB", offset: 64, bandwidth: "1KiB" } });
    expect(other.device("a")).toMatchObject({ class: "usb", bandwidth: 1024 });
    expect(other.device("a").windows).toEqual([{ cpu: 64, bus: 0, size: 2 ** 32 }]);
  });

  test("and ports have one route each, for plugins too", () => {
    const system = boot({ a: { class: "gpu", coherent: true }, b: { class: "dma", coherent: false } });
    expect(system.route("direct")).toBe(system.device("b").route);
    expect(system.route("snoop-allocate")).toBe(system.device("a").route);
    expect(system.route("snoop")).toMatchObject({ kind: "snoop", domain: { name: "cpu" } });
  });

  test("are listed as the board has them", () => {
    const system = assemble(smallBoard, [toyArch()]).boot();
    expect([...system.devices.keys()]).toEqual(["usb0", "dac"]);
  });
});

describe("names", () => {
  const platform = assemble(smallBoard, [
    toyArch(),
    plugin("@acme/e", { exporters: { system: noExporter }, importers: { usb0: noImporter } }),
  ]);
  test("that nobody has are refused with the nearest one", () => {
    const system = platform.boot();
    expect(() => system.device("usb1")).toThrow('no device "usb1"; did you mean "usb0"?');
    expect(() => system.device("constructor")).toThrow('no device "constructor"; known: usb0, dac');
    expect(() => system.importer("gpu")).toThrow('no device "gpu"; known: usb0, dac');
    expect(() => system.exporter("sytem")).toThrow('no exporter "sytem"; did you mean "system"?');
    expect(() => assemble(smallBoard, [toyArch()]).boot().exporter("system")).toThrow(
      /^no exporter "system"$/,
    );
  });

  test("give one exporter and one importer a system; a device without a plugin has the plain one", () => {
    const system = platform.boot();
    expect(system.exporter("system")).toBe(system.exporter("system"));
    expect(system.importer("usb0")).toBe(system.importer("usb0"));
    expect(system.importer("usb0")).not.toBeInstanceOf(StaticImporter);
    expect(system.importer("dac")).toBeInstanceOf(StaticImporter);
    expect(platform.boot().exporter("system")).not.toBe(system.exporter("system"));
  });
});

describe("booting", () => {
  test("the kernel is linux612 unless said otherwise; profiles have names", () => {
    const platform = assemble(smallBoard, [toyArch()]);
    expect(platform.boot().kernel).toBe(linux612);
    expect(platform.boot({ kernel: linux72 }).dmaBuf.kernel).toBe(linux72);
    for (const [name, profile] of Object.entries(kernelProfiles)) expect(profile.name).toBe(name);
  });

  test("systems share nothing", () => {
    const platform = assemble(smallBoard, [toyArch()]);
    const [one, two] = [platform.boot(), platform.boot()];
    one.cpu.access("write", Extents.of([0, 4096]));
    expect([one.analysis.log.length, two.analysis.log.length]).toEqual([1, 0]);
    expect([one.cpu.busy > 0, two.cpu.busy]).toEqual([true, 0]);
    expect(one.dmaBuf).not.toBe(two.dmaBuf);
  });

  test("a seed brings a machine with real bytes beside the analysis", () => {
    const platform = assemble(smallBoard, [toyArch()]);
    expect(platform.boot().data).toBeNull();
    const { cpu, data, analysis } = platform.boot({ data: 1 });
    cpu.access("write", Extents.of([0, 64]));
    expect(data?.inspect(0).copies[0]).toBeGreaterThan(0);
    expect(analysis.log.length).toBe(1);
  });

  test("hazards carry the time at which they happened", () => {
    const system = assemble(smallBoard, [toyArch()]).boot();
    const page = Extents.of([0, 4096]);
    system.simulation
      .timer(() => {
        system.cpu.access("write", page);
        system.dmaBuf.machine.access(system.device("usb0").route, "read", page);
      })
      .arm(1234);
    system.simulation.run();
    expect(system.hazards.map(({ code, time }) => [code, time])).toEqual([["stale-read", 1234]]);
  });
});

describe("running a process", () => {
  const platform = assemble(smallBoard, [toyArch()]);
  test("gives its result", () => {
    expect(
      platform.simulate(function* ({ simulation }) {
        yield 500;
        return simulation.now;
      }),
    ).toBe(500);
  });

  test("throws what it throws, and EDEADLK when it never ends", () => {
    expect(() =>
      platform.simulate(function* () {
        yield 1;
        throw new RangeError("mine");
      }),
    ).toThrow("main: mine");
    expect(() =>
      platform.simulate(function* ({ dmaBuf }) {
        const resv = new DmaResv(dmaBuf.resvs, "mine");
        yield* resv.lock();
        yield* resv.lock();
      }),
    ).toThrow(/-EDEADLK: nothing is left that could wake it: main waits for the reservation lock of mine/);
  });

  test("refuses a process that was made and never run", () => {
    expect(() =>
      platform.simulate(function* ({ simulation }) {
        yield 0;
        simulation.sleep(1);
      }),
    ).toThrow("made and never run, write yield* in front: sleep (in main)");
  });
});

test("an architecture is made for each system", () => {
  let made = 0;
  const inner = toyArch();
  const counting = definePlugin({
    name: "@acme/arch",
    provides: {
      arch: () => {
        made++;
        return inner.provides.arch?.() as never;
      },
    },
  });
  const platform = assemble(smallBoard, [counting]);
  expect(made).toBe(0);
  platform.boot();
  platform.boot();
  expect(made).toBe(2);
});
