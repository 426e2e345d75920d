// SPDX-License-Identifier: MIT
import {
  assemble,
  type BoardDescription,
  type BootOptions,
  definePlugin,
  type Plugin,
  type Process,
  type System,
} from "@dmabuf/core";
import { toyArch, toyBoard } from "@dmabuf/core/testing";
import { Memfd, UdmabufDevice, type UdmabufOptions, udmabuf } from "../src/index.ts";

/** What a test may change about the board and the driver. */
export interface Changes {
  readonly board?: Partial<BoardDescription>;
  readonly udmabuf?: UdmabufOptions;
  readonly arch?: Plugin;
}

/** The toy board with udmabuf, at power-on. */
export const boot = (options: BootOptions = {}, changes: Changes = {}): System =>
  assemble({ ...toyBoard, ...changes.board }, [changes.arch ?? toyArch(), udmabuf(changes.udmabuf)]).boot(
    options,
  );

/** The toy architecture, but with devices that are coherent unless somebody says otherwise, as x86 is. */
export const coherentByDefault = (): Plugin =>
  definePlugin({
    name: "@dmabuf/exporter-udmabuf:coherent-toy",
    provides: {
      arch() {
        const arch = toyArch().provides.arch?.();
        if (arch === undefined) throw new TypeError("no toy architecture");
        return Object.create(arch, { dmaDefaultCoherent: { value: true } }) as typeof arch;
      },
    },
  });

export function deviceOf(system: System): UdmabufDevice {
  const device = system.exporter("udmabuf");
  if (!(device instanceof UdmabufDevice)) throw new TypeError("udmabuf is no device");
  return device;
}

/** A memfd of some pages that udmabuf takes. */
export function sealed(system: System, pages: number): Memfd {
  const memfd = new Memfd(system);
  memfd.truncate(pages * 4096);
  memfd.addSeals("shrink");
  return memfd;
}

export const run = <T>(system: System, process: () => Process<T>): T =>
  system.simulation.complete("test", process());

/** Kinds of the maintenance operations since the last call for this system, with the bytes of their lines. */
export function maintenanceSince(system: System): string[] {
  const { log } = system.analysis;
  const found: string[] = [];
  for (let step = seen.get(system) ?? 0; step < log.length; step++) {
    const { kind, route } = log.operation(step);
    if (route === null) found.push(`${kind} ${log.extents(step).bytes}`);
  }
  seen.set(system, log.length);
  return found;
}

const seen = new WeakMap<System, number>();
