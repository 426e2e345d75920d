// SPDX-License-Identifier: MIT
import type { InputError } from "@dmabuf/core";
import { fault } from "./fault.ts";
import type { Property } from "./property.ts";

/** The catalogues match these strings against patterns, which takes time by their length. */
const MAX_COMPATIBLE = 128;

/** One node of a device tree. */
export class DeviceNode {
  /** With its unit address, as in `usb@fe200000`; empty for the root. */
  readonly name: string;
  readonly parent: DeviceNode | null;
  readonly children: readonly DeviceNode[] = [];
  /** In the order of the blob. */
  readonly properties: ReadonlyMap<string, Property> = new Map();
  /** Byte offset of the node's first token in the blob. */
  readonly offset: number;
  /** The blob's name, for error messages. */
  readonly file: string;
  #path: string | undefined;
  #enabled: boolean | undefined;
  #compatible: readonly string[] | undefined;

  constructor(name: string, parent: DeviceNode | null, offset: number, file: string) {
    this.name = name;
    this.parent = parent;
    this.offset = offset;
    this.file = file;
  }

  /** The full path, `/axi/usb@ff9d0000/usb@fe200000`; `/` for the root. */
  get path(): string {
    this.#path ??=
      this.parent === null ? "/" : `${this.parent.parent === null ? "" : this.parent.path}/${this.name}`;
    return this.#path;
  }

  /** The name without the unit address, `usb`. @see of_node_name_eq */
  get baseName(): string {
    const at = this.name.indexOf("@");
    return at < 0 ? this.name : this.name.slice(0, at);
  }

  /**
   * Whether the node and all its ancestors are enabled: `status` is absent, "okay" or "ok". A node in a disabled
   * bus is never probed. @see of_device_is_available
   */
  get enabled(): boolean {
    if (this.#enabled === undefined) {
      const status = this.properties.get("status")?.strings();
      const own = status === undefined || status[0] === "okay" || status[0] === "ok";
      this.#enabled = own && (this.parent?.enabled ?? true);
    }
    return this.#enabled;
  }

  /**
   * The `compatible` strings, most specific first; none when there is no such property. Throws `InputError` for
   * anything but strings of up to 128 characters.
   */
  get compatible(): readonly string[] {
    if (this.#compatible === undefined) {
      const strings = this.strings("compatible") ?? [];
      const long = strings.find((one) => one.length > MAX_COMPATIBLE);
      if (long !== undefined)
        throw this.fault(
          `a compatible string of ${long.length} characters; the longest read is ${MAX_COMPATIBLE}`,
        );
      this.#compatible = strings;
    }
    return this.#compatible;
  }

  /** The node's phandle, or null when nothing can refer to it. */
  get phandle(): number | null {
    return this.u32("phandle") ?? this.u32("linux,phandle");
  }

  /** Whether the property is there, whatever its value. @see of_property_read_bool */
  has(property: string): boolean {
    return this.properties.has(property);
  }

  /** The property's cells, or null when there is no such property. Throws `InputError` when it holds no cells. */
  cells(property: string): number[] | null {
    return this.properties.get(property)?.cells() ?? null;
  }

  /** The property's only cell, or null when there is no such property. Throws `InputError` when it is not one cell. */
  u32(property: string): number | null {
    return this.properties.get(property)?.u32() ?? null;
  }

  /** The property's strings, or null when there is no such property. Throws `InputError` when it holds no strings. */
  strings(property: string): string[] | null {
    return this.properties.get(property)?.strings() ?? null;
  }

  /** The property's first string, or null. Throws `InputError` when it holds no strings. */
  string(property: string): string | null {
    return this.strings(property)?.[0] ?? null;
  }

  /** An error about this node, at its offset in the blob. */
  fault(reason: string): InputError {
    return fault(this.file, this.offset, reason);
  }
}
