// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import {
  findTracepoint,
  MAX_FIELDS,
  type Process,
  Simulation,
  type TraceEvent,
  tracepoint,
} from "../../src/sim.ts";

const mapped = tracepoint(
  "test",
  "test_map",
  ["device", "string"],
  ["dma_addr", "address"],
  ["size", "number"],
  ["dir", ["BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE"]],
  ["coherent", "boolean"],
);
const plain = tracepoint("test", "test_plain", ["value", "number"]);

describe("a tracepoint", () => {
  test("is declared once, with at most eight fields, and found by its name", () => {
    expect(findTracepoint("test:test_map")).toBe(mapped);
    expect(findTracepoint("test:none")).toBeUndefined();
    expect(() => tracepoint("test", "test_plain")).toThrow("tracepoint test:test_plain is declared twice");
    const fields = Array.from({ length: MAX_FIELDS + 1 }, (_, i) => [`f${i}`, "number"] as const);
    expect(() => tracepoint("test", "test_wide", ...fields)).toThrow(/more than 8 fields/);
    expect(() => mapped.indexOf("colour" as "size")).toThrow("test:test_map has no field colour");
  });
});

describe("a trace", () => {
  test("writes nothing while nobody listens", () => {
    const { trace } = new Simulation();
    expect([
      trace.wants(plain),
      trace.emit(plain, 1),
      trace.emitCaused(3, plain, 1),
      trace.ring.next,
    ]).toEqual([false, -1, -1, 0]);
    expect(trace.at(0)).toBeUndefined();
  });

  test("keeps every field and prints an event as ftrace does", () => {
    const { trace } = new Simulation();
    trace.record();
    trace.emit(mapped, trace.intern("usb0"), 0x8_0000_1000, 65536, 2, 1);
    const event = trace.at(0) as TraceEvent;
    expect(event.toString()).toBe(
      "test_map: device=usb0 dma_addr=0x800001000 size=65536 dir=FROM_DEVICE coherent=true",
    );
    expect([event.get("dma_addr"), event.get("dir"), event.cause, event.timelineName]).toEqual([
      0x8_0000_1000,
      2,
      -1,
      "setup",
    ]);
    expect(trace.intern("usb0")).toBe(trace.intern("usb0"));
    trace.emit(mapped, trace.intern(""), 0, 0, 7, 0);
    expect(trace.at(1)?.toString()).toBe("test_map: device= dma_addr=0x0 size=0 dir=7 coherent=false");
  });

  test("calls subscribers to the tracepoint, then those to everything, until they leave", () => {
    const { trace } = new Simulation();
    const log: string[] = [];
    const leaveAll = trace.subscribe("*", (event) => log.push(`all ${event.point.name}`));
    const leave = trace.subscribe(plain, (event) => log.push(`plain ${event.get("value")}`));
    const leaveNosy = trace.subscribe(plain, () => leaveNosy());
    trace.emit(plain, 1);
    trace.emit(mapped, trace.intern(""), 0, 0, 0, 0);
    leave();
    leave();
    trace.emit(plain, 2);
    leaveAll();
    expect(trace.emit(plain, 3)).toBe(-1);
    expect(log).toEqual(["plain 1", "all test_plain", "all test_map", "all test_plain"]);
  });

  test("a subscriber may emit; the event it was given stays the same", () => {
    const { trace } = new Simulation();
    const seen: number[] = [];
    trace.subscribe(plain, (event) => {
      if (event.get("value") < 3) trace.emit(plain, event.get("value") + 1);
      seen.push(event.get("value"));
    });
    trace.emit(plain, 1);
    expect(seen).toEqual([3, 2, 1]);
  });

  test("grows to its limit and then forgets the oldest", () => {
    const { trace } = new Simulation();
    trace.record(1000);
    for (let i = 0; i < 1024; i++) trace.emitCaused(i - 1, plain, i);
    expect([...trace.events()].map((event) => event.get("value"))).toEqual(
      Array.from({ length: 1024 }, (_, i) => i),
    );
    const oldest = trace.at(0) as TraceEvent;
    for (let i = 1024; i < 3000; i++) trace.emitCaused(i - 1, plain, i);
    expect([trace.ring.first, trace.ring.next, trace.at(1975)]).toEqual([1976, 3000, undefined]);
    expect(() => oldest.get("value")).toThrow("event 0 is not in the trace: it holds [1976, 3000)");
    expect([...trace.events(2998)].map((event) => event.get("value"))).toEqual([2998, 2999]);
    expect(trace.because(2999).length).toBe(1024);
    trace.emitCaused(3001, plain, 0);
    trace.emitCaused(3000, plain, 0);
    expect(trace.because(3001).map(({ seq }) => seq)).toEqual([3001, 3000]);
  });

  test("an event's cause is what woke its task, or what that task did before it slept", () => {
    const simulation = new Simulation();
    const { trace } = simulation;
    trace.record();
    const sleeper = function* (): Process {
      yield* simulation.block({ describe: () => "the call" });
      trace.emit(plain, 1);
      trace.emit(plain, 2);
      yield 5;
      trace.emit(plain, 3);
    };
    const task = simulation.spawn("sleeper", sleeper());
    const main = function* (): Process {
      yield 10;
      trace.emit(plain, 0);
      simulation.wake(task);
    };
    simulation.spawn("main", main());
    simulation.run();
    expect([...trace.events()].map((event) => [event.get("value"), event.cause, event.timelineName])).toEqual(
      [
        [0, -1, "main"],
        [1, 0, "sleeper"],
        [2, 0, "sleeper"],
        [3, 2, "sleeper"],
      ],
    );
  });
});
