// SPDX-License-Identifier: MIT

/**
 * The pending events in time order: a 4-ary heap over flat arrays. An event is known by a slot, a small whole number
 * that its owner chose; a slot is pending at most once, so that it can be cancelled in O(log n) and nothing stale stays
 * behind. Events of equal time leave in the order in which they were scheduled.
 */
export class EventQueue {
  #times = new Float64Array(64);
  #orders = new Float64Array(64);
  #slots = new Int32Array(64);
  /** Where each slot stands in the heap, or -1. */
  #places = new Int32Array(64).fill(-1);
  #size = 0;
  #order = 0;

  /** Number of pending events. */
  get size(): number {
    return this.#size;
  }

  /** Time of the next event in ns, `Infinity` when there is none. */
  get nextTime(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  /** Whether the slot is pending. */
  has(slot: number): boolean {
    return slot < this.#places.length && (this.#places[slot] as number) >= 0;
  }

  /** Makes the slot pending at `time`; throws `TypeError` when it is pending already. */
  schedule(slot: number, time: number): void {
    if (slot >= this.#places.length) this.#growPlaces(slot);
    if ((this.#places[slot] as number) >= 0) throw new TypeError(`event ${slot} is already pending`);
    if (this.#size === this.#times.length) this.#grow();
    this.#siftUp(this.#size++, slot, time, this.#order++);
  }

  /** Takes the slot out; false when it was not pending. */
  cancel(slot: number): boolean {
    if (!this.has(slot)) return false;
    const place = this.#places[slot] as number;
    this.#places[slot] = -1;
    this.#fill(place);
    return true;
  }

  /** Takes out the next event and returns its slot; throws `TypeError` when there is none. */
  pop(): number {
    if (this.#size === 0) throw new TypeError("no event is pending");
    const slot = this.#slots[0] as number;
    this.#places[slot] = -1;
    this.#fill(0);
    return slot;
  }

  /** The slots of all events up to and including `until`, in the order in which they would leave. */
  due(until: number): number[] {
    const places: number[] = [];
    // In a heap nothing below a late event is early.
    const collect = (place: number): void => {
      if (place >= this.#size || (this.#times[place] as number) > until) return;
      places.push(place);
      for (let child = 4 * place + 1; child <= 4 * place + 4; child++) collect(child);
    };
    collect(0);
    places.sort((a, b) => (this.#before(this.#times[a] as number, this.#orders[a] as number, b) ? -1 : 1));
    return places.map((place) => this.#slots[place] as number);
  }

  /** When a pending slot is due, in ns. */
  timeOf(slot: number): number {
    return this.#times[this.#places[slot] as number] as number;
  }

  /** Closes the gap at `place` with the last event. */
  #fill(place: number): void {
    const last = --this.#size;
    if (place === last) return;
    const time = this.#times[last] as number;
    const order = this.#orders[last] as number;
    const slot = this.#slots[last] as number;
    const parent = (place - 1) >> 2;
    if (place > 0 && this.#before(time, order, parent)) this.#siftUp(place, slot, time, order);
    else this.#siftDown(place, slot, time, order);
  }

  #before(time: number, order: number, place: number): boolean {
    const other = this.#times[place] as number;
    return time < other || (time === other && order < (this.#orders[place] as number));
  }

  #siftUp(start: number, slot: number, time: number, order: number): void {
    const times = this.#times;
    const orders = this.#orders;
    const slots = this.#slots;
    const places = this.#places;
    let place = start;
    while (place > 0) {
      const parent = (place - 1) >> 2;
      const other = times[parent] as number;
      if (time > other || (time === other && order > (orders[parent] as number))) break;
      times[place] = other;
      orders[place] = orders[parent] as number;
      const moved = slots[parent] as number;
      slots[place] = moved;
      places[moved] = place;
      place = parent;
    }
    times[place] = time;
    orders[place] = order;
    slots[place] = slot;
    places[slot] = place;
  }

  #siftDown(start: number, slot: number, time: number, order: number): void {
    const times = this.#times;
    const orders = this.#orders;
    const slots = this.#slots;
    const places = this.#places;
    const size = this.#size;
    let place = start;
    for (;;) {
      const first = 4 * place + 1;
      if (first >= size) break;
      const end = Math.min(first + 4, size);
      let child = first;
      let least = times[first] as number;
      for (let other = first + 1; other < end; other++) {
        const key = times[other] as number;
        if (key < least || (key === least && (orders[other] as number) < (orders[child] as number))) {
          child = other;
          least = key;
        }
      }
      if (time < least || (time === least && order < (orders[child] as number))) break;
      times[place] = least;
      orders[place] = orders[child] as number;
      const moved = slots[child] as number;
      slots[place] = moved;
      places[moved] = place;
      place = child;
    }
    times[place] = time;
    orders[place] = order;
    slots[place] = slot;
    places[slot] = place;
  }

  #grow(): void {
    const capacity = 2 * this.#times.length;
    const times = new Float64Array(capacity);
    const orders = new Float64Array(capacity);
    const slots = new Int32Array(capacity);
    times.set(this.#times);
    orders.set(this.#orders);
    slots.set(this.#slots);
    this.#times = times;
    this.#orders = orders;
    this.#slots = slots;
  }

  #growPlaces(slot: number): void {
    const places = new Int32Array(Math.max(slot + 1, 2 * this.#places.length)).fill(-1);
    places.set(this.#places);
    this.#places = places;
  }
}
