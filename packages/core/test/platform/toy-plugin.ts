// SPDX-License-Identifier: MIT
import {
  type BoardDescription,
  board,
  type CoreServices,
  definePlugin,
  type Exporter,
  type Importer,
  type Plugin,
  type PluginDefinition,
} from "../../src/index.ts";

/** A board with the devices `usb0` and `dac`. */
export const smallBoard: BoardDescription = board({
  model: "small",
  memory: [{ base: 0, size: "64MiB" }],
  devices: {
    usb0: { class: "usb", coherent: false },
    dac: { class: "dma", coherent: true },
  },
});

const nothing = (): never => {
  throw new TypeError("this test asks for no buffer");
};

/** An exporter that nobody calls. */
export const noExporter = (_services: CoreServices): Exporter => ({ allocate: nothing });

/** An importer that nobody calls. */
export const noImporter = (_services: CoreServices): Importer => ({ attach: nothing });

/** A plugin of that name. */
export const plugin = (name: string, provides: PluginDefinition<Record<never, never>>["provides"]): Plugin =>
  definePlugin({ name, provides });
