// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  definePlugin,
  type ImportedBuffer,
  type Importer,
  KernelError,
  type Plugin,
  type Process,
} from "@dmabuf/core";
import { Workqueue } from "@dmabuf/core/sim";
import { Endpoint } from "./endpoint.ts";
import { EndpointImport } from "./endpoint-import.ts";

/** What kind of controller runs the gadget. */
export interface FunctionFsOptions {
  /** Whether its driver takes scatter-gather requests (`sg_supported`); without, ATTACH answers EPERM. Default true. */
  readonly scatterGather?: boolean;
}

/**
 * USB FunctionFS on a device controller: `device` of the board gets an importer with an IN and an OUT endpoint, both
 * enabled. `system.importer(device)` is then a {@link FunctionFs}, whose `open` gives the ioctls (FF-1). @see f_fs.c
 */
export function functionfs(device: string, options: FunctionFsOptions = {}): Plugin {
  return definePlugin({
    name: "@dmabuf/importer-functionfs",
    provides: { importers: { [device]: (services, master) => new FunctionFs(services, master, options) } },
  });
}

/** A gadget with one IN and one OUT endpoint. IN is named as the USB host sees it: the device reads memory. */
export class FunctionFs implements Importer {
  readonly device: DmaDevice;
  /** The device reads memory and sends it to the host. */
  readonly in: Endpoint;
  /** The device writes to memory what the host sends. */
  readonly out: Endpoint;
  readonly #services: CoreServices;
  readonly #scatterGather: boolean;
  #bound = true;

  /** For `functionfs`. */
  constructor(services: CoreServices, device: DmaDevice, { scatterGather = true }: FunctionFsOptions) {
    this.device = device;
    this.#services = services;
    this.#scatterGather = scatterGather;
    const worker = new Workqueue(services.simulation, `${device.name} io_completion`);
    this.in = new Endpoint(services, this, "in", worker);
    this.out = new Endpoint(services, this, "out", worker);
  }

  /** Why no buffer can be attached, or null: there is no gadget, or no scatter-gather (FF-2). */
  get refusal(): string | null {
    if (!this.#bound) return `${this.device.name} has no gadget bound`;
    return this.#scatterGather ? null : `the driver of ${this.device.name} takes no scatter-gather requests`;
  }

  /** Takes the gadget away: both endpoints are disabled, ATTACH answers EPERM. */
  unbind(): void {
    this.#bound = false;
    this.in.disable();
    this.out.disable();
  }

  /** Brings the gadget back, with both endpoints enabled. */
  bind(): void {
    this.#bound = true;
    this.in.enable();
    this.out.enable();
  }

  /**
   * Attaches a buffer to the endpoint of that direction. Throws `KernelError` EINVAL for `bidirectional`: an endpoint has
   * one direction.
   */
  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    return this.#services.simulation.process("FUNCTIONFS_DMABUF_ATTACH", this.#attach(buffer, direction));
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    if (direction === "bidirectional") {
      const reason = `an endpoint of ${this.device.name} reads (IN) or writes (OUT) a buffer, never both`;
      throw new KernelError("EINVAL", "FUNCTIONFS_DMABUF_ATTACH", reason);
    }
    const endpoint = direction === "to-device" ? this.in : this.out;
    endpoint.assertAttachable();
    return new EndpointImport(this.#services.simulation, endpoint, yield* endpoint.attach(buffer.get()));
  }
}
