// SPDX-License-Identifier: MIT

/** The objects of an open file by handle: the lowest free number first, from 1; 0 is no handle. @see struct idr */
export class HandleTable<O> {
  /** Null while a handle is being closed: its number is taken until that is done. */
  readonly #objects = new Map<number, O | null>();

  /** The handles, ascending. */
  get handles(): number[] {
    return [...this.#objects.keys()].sort((a, b) => a - b);
  }

  /** Names an object. */
  add(object: O): number {
    let handle = 1;
    while (this.#objects.has(handle)) handle++;
    this.#objects.set(handle, object);
    return handle;
  }

  /** The object behind a handle, or null when there is none or it is being closed. */
  find(handle: number): O | null {
    return this.#objects.get(handle) ?? null;
  }

  /** Begins to close a handle: nobody finds it any more. The object, or null when there was none. */
  take(handle: number): O | null {
    const object = this.find(handle);
    if (object !== null) this.#objects.set(handle, null);
    return object;
  }

  /** Ends that: the number is free again. */
  free(handle: number): void {
    this.#objects.delete(handle);
  }
}
