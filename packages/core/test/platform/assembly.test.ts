// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import {
  AssemblyError,
  assemble,
  type CoreServices,
  definePlugin,
  type Needs,
  type Plugin,
  token,
} from "../../src/index.ts";
import { toyArch } from "../../src/testing.ts";
import { noExporter, noImporter, plugin, smallBoard } from "./toy-plugin.ts";

/** The one line with which plugins are refused. */
function refusal(...plugins: readonly Plugin[]): string {
  try {
    assemble(smallBoard, plugins);
  } catch (error) {
    expect(error).toBeInstanceOf(AssemblyError);
    const { message } = error as AssemblyError;
    expect(message).not.toContain("\n");
    return message;
  }
  throw new Error("the plugins were taken");
}

const clock = token<{ tick: number }>("acme/clock", "Clock");
const radio = token<{ band: string }>("acme/radio", "Radio");
const service = (name: string, of: symbol, needs: Needs = {}): Plugin =>
  definePlugin({
    name,
    needs,
    provides: { services: [{ token: of as typeof clock, create: (services) => ({ name, services }) }] },
  });

describe("plugins that do not fit are refused in one line", () => {
  test("no architecture", () => {
    expect(refusal()).toBe("no plugin provides Arch; add one, such as arm64()");
    expect(refusal(plugin("@acme/e", { exporters: { e: noExporter } }))).toBe(
      "no plugin provides Arch; add one, such as arm64()",
    );
  });

  test("two architectures", () => {
    expect(refusal(toyArch(), plugin("@acme/arch", { arch: () => ({}) as never }))).toBe(
      "@dmabuf/core:toy-arch and @acme/arch both provide Arch",
    );
  });

  test("a missing provider", () => {
    expect(refusal(toyArch(), service("@acme/radio", radio, { clock }))).toBe(
      "@acme/radio needs Clock, which no plugin provides",
    );
  });

  test("a provider given twice", () => {
    expect(refusal(toyArch(), service("@acme/clock", clock), service("@acme/sundial", clock))).toBe(
      "@acme/clock and @acme/sundial both provide Clock",
    );
  });

  test("plugins that need each other, or themselves", () => {
    const both = [service("@acme/clock", clock, { radio }), service("@acme/radio", radio, { clock })];
    expect(refusal(toyArch(), ...both)).toBe(
      "plugins need each other in a circle: @acme/clock -> @acme/radio -> @acme/clock",
    );
    expect(refusal(toyArch(), service("@acme/clock", clock, { clock }))).toBe(
      "plugins need each other in a circle: @acme/clock -> @acme/clock",
    );
    const outside = service("@acme/outside", token("acme", "Outside"), { clock });
    expect(refusal(outside, toyArch(), ...both), "the way in is no part of the circle").toBe(
      "plugins need each other in a circle: @acme/clock -> @acme/radio -> @acme/clock",
    );
  });

  test("one exporter twice", () => {
    const one = plugin("@acme/one", { exporters: { system: noExporter } });
    const two = plugin("@acme/two", { exporters: { other: noExporter, system: noExporter } });
    expect(refusal(toyArch(), one, two)).toBe('@acme/one and @acme/two both provide the exporter "system"');
    expect(refusal(toyArch(), one, one)).toBe('@acme/one and @acme/one both provide the exporter "system"');
  });

  test("two importers of one device", () => {
    const drives = (name: string): Plugin => plugin(name, { importers: { usb0: noImporter } });
    expect(refusal(toyArch(), drives("@acme/gadget"), drives("@acme/host"))).toBe(
      '@acme/gadget and @acme/host both provide the importer of "usb0"',
    );
  });

  test.each([
    ["usb1", 'which small does not have; did you mean "usb0"?'],
    ["camera", "which small does not have; known: usb0, dac"],
    ["constructor", "which small does not have; known: usb0, dac"],
    ["__proto__", "which small does not have; known: usb0, dac"],
  ])("a device that the board does not have: %s", (device, says) => {
    const importers = Object.fromEntries([[device, noImporter]]);
    expect(refusal(toyArch(), plugin("@acme/driver", { importers }))).toBe(
      `@acme/driver drives "${device}", ${says}`,
    );
  });

  test("a plugin of another copy of core, or no plugin at all", () => {
    const foreign = { ...toyArch(), name: "@acme/foreign" };
    expect(refusal(foreign)).toBe(
      "@acme/foreign was made by another copy of @dmabuf/core; install one version of it",
    );
    expect(refusal(undefined as unknown as Plugin)).toMatch(/^undefined was made by another copy/);
  });
});

describe("definePlugin", () => {
  test("asks for a name and for something to provide", () => {
    expect(() => plugin("", { exporters: { e: noExporter } })).toThrow("a plugin needs a name");
    expect(() => plugin("@acme/empty", {})).toThrow("plugin @acme/empty provides nothing");
  });

  test("runs nothing", () => {
    const made = plugin("@acme/lazy", {
      arch: () => expect.unreachable(),
      exporters: { e: () => expect.unreachable() },
      importers: { usb0: () => expect.unreachable() },
    });
    expect(() => assemble(smallBoard, [made])).not.toThrow();
  });
});

describe("services", () => {
  test("reach the factories of those who need them, once for each system", () => {
    let made = 0;
    const provider = definePlugin({
      name: "@acme/clock",
      provides: { services: [{ token: clock, create: () => ({ tick: ++made }) }] },
    });
    const seen: { tick: number; now: number }[] = [];
    const user = (name: string): Plugin =>
      definePlugin({
        name,
        needs: { clock },
        provides: {
          exporters: {
            [name]: (services) => {
              seen.push({ tick: services.clock.tick, now: services.simulation.now });
              return noExporter(services);
            },
          },
        },
      });
    const platform = assemble(smallBoard, [user("first"), toyArch(), provider, user("second")]);
    expect(made, "nobody asked yet").toBe(0);
    for (let boot = 1; boot <= 2; boot++) {
      const system = platform.boot();
      system.exporter("first");
      system.exporter("second");
      expect(system.exporter("first"), "one exporter a system").toBe(system.exporter("first"));
      expect(seen.splice(0)).toEqual([
        { tick: boot, now: 0 },
        { tick: boot, now: 0 },
      ]);
    }
  });

  test("may need services in turn", () => {
    const chained = definePlugin({
      name: "@acme/radio",
      needs: { clock },
      provides: { services: [{ token: radio, create: ({ clock: { tick } }) => ({ band: `band ${tick}` }) }] },
    });
    let band = "";
    const user = definePlugin({
      name: "@acme/user",
      needs: { radio },
      provides: {
        exporters: {
          e: (services) => {
            band = services.radio.band;
            return noExporter(services);
          },
        },
      },
    });
    const provider = definePlugin({
      name: "@acme/clock",
      provides: { services: [{ token: clock, create: () => ({ tick: 7 }) }] },
    });
    assemble(smallBoard, [user, chained, provider, toyArch()]).boot().exporter("e");
    expect(band).toBe("band 7");
  });

  test("core's own are the system's", () => {
    let given: CoreServices | null = null;
    const user = plugin("@acme/user", {
      exporters: {
        e: (services) => {
          given = services;
          return noExporter(services);
        },
      },
    });
    const system = assemble(smallBoard, [toyArch(), user]).boot();
    system.exporter("e");
    const services = given as unknown as CoreServices;
    for (const key of ["simulation", "memory", "cpu", "dma", "dmaBuf", "kernel"] as const) {
      expect(services[key], key).toBe(system[key]);
    }
    expect(services.device("usb0")).toBe(system.device("usb0"));
  });
});

test("a platform names what it has, in order", () => {
  const platform = assemble(smallBoard, [
    plugin("@acme/two", { exporters: { b: noExporter, a: noExporter } }),
    toyArch(),
    plugin("@acme/one", { exporters: { c: noExporter } }),
  ]);
  expect(platform.exporterNames).toEqual(["b", "a", "c"]);
  expect(platform.deviceNames).toEqual(["usb0", "dac"]);
});
