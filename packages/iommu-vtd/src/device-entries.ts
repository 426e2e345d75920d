// SPDX-License-Identifier: MIT
import {
  CONTEXT_WORDS,
  type ContextEntry,
  contextWordOf,
  decodeContext,
  encodeContext,
} from "./context-entry.ts";
import {
  decodePasid,
  directoryWordOf,
  encodeDirectory,
  encodePasid,
  PASID_WORDS,
  type PasidEntry,
  pasidWordOf,
} from "./pasid-entry.ts";
import { type Mode, rootHalf, rootWordOf } from "./root-table.ts";
import { encodeScalableContext, scalableContextWordOf } from "./scalable-context-entry.ts";
import type { StructureMemory } from "./structure-memory.ts";

/** PDTS for a directory of one table: 512 entries, 32768 PASIDs. */
const DIRECTORY_SIZE = 2;
/** PASIDs of a device: as many as a directory of one table has. */
export const PASIDS = 2 ** (DIRECTORY_SIZE + 13);

/** What the driver writes for devices: root, context and PASID tables, made when they are first needed. */
export class DeviceEntries {
  /** Where the root table is. */
  readonly rootTable: number;
  readonly #memory: StructureMemory;
  readonly #mode: Mode;
  /** By where in the root table their pointer is. */
  readonly #contextTables = new Map<number, number>();
  /** PASID directories by source id, and the tables below each. */
  readonly #directories = new Map<
    number,
    { readonly directory: number; readonly tables: Map<number, number> }
  >();

  constructor(memory: StructureMemory, mode: Mode) {
    this.#memory = memory;
    this.#mode = mode;
    this.rootTable = memory.allocate();
  }

  /** The context entry of a device in legacy mode; null when it is not present. */
  context(source: number): ContextEntry | null {
    const table = this.#contextTables.get(rootWordOf(source, this.#mode));
    if (table === undefined) return null;
    const words = this.#memory.peek(table, contextWordOf(source), CONTEXT_WORDS);
    return words === null ? null : decodeContext(words);
  }

  /** Writes the context entry of a device in legacy mode; null takes it away. */
  setContext(source: number, entry: ContextEntry | null): void {
    const words = entry === null ? new Array<number>(CONTEXT_WORDS).fill(0) : encodeContext(entry);
    this.#memory.write(this.#contextTable(source), contextWordOf(source), words);
  }

  /**
   * Points the context entry of a device in scalable mode to a PASID directory of its own; false when it does already.
   * @see intel_pasid_setup_sm_context
   */
  addDirectory(source: number, deviceTlb: boolean): boolean {
    if (this.#directories.has(source)) return false;
    const directory = this.#memory.allocate();
    this.#directories.set(source, { directory, tables: new Map() });
    const entry = { faultsDisabled: false, deviceTlb, pasids: true, directory, ridPasid: 0 };
    const words = encodeScalableContext({ ...entry, directorySize: DIRECTORY_SIZE });
    this.#memory.write(this.#contextTable(source), scalableContextWordOf(source), words);
    return true;
  }

  /** The entry of a PASID; null when it is not present. */
  pasid(source: number, pasid: number): PasidEntry | null {
    const table = this.#directories.get(source)?.tables.get(directoryWordOf(pasid));
    if (table === undefined) return null;
    const words = this.#memory.peek(table, pasidWordOf(pasid), PASID_WORDS);
    return words === null ? null : decodePasid(words);
  }

  /** Writes the entry of a PASID of a device that has a directory; null takes it away. */
  setPasid(source: number, pasid: number, entry: PasidEntry | null): void {
    const words = entry === null ? new Array<number>(PASID_WORDS).fill(0) : encodePasid(entry);
    this.#memory.write(this.#pasidTable(source, pasid), pasidWordOf(pasid), words);
  }

  #contextTable(source: number): number {
    const at = rootWordOf(source, this.#mode);
    let table = this.#contextTables.get(at);
    if (table === undefined) {
      table = this.#memory.allocate();
      this.#contextTables.set(at, table);
      this.#memory.write(this.rootTable, at, rootHalf(table));
    }
    return table;
  }

  #pasidTable(source: number, pasid: number): number {
    const { directory, tables } = this.#directories.get(source) as {
      directory: number;
      tables: Map<number, number>;
    };
    const at = directoryWordOf(pasid);
    let table = tables.get(at);
    if (table === undefined) {
      table = this.#memory.allocate();
      tables.set(at, table);
      this.#memory.write(directory, at, encodeDirectory(table));
    }
    return table;
  }
}
