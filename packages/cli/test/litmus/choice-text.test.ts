// SPDX-License-Identifier: MIT
import type { LitmusProgram, WitnessStep } from "@dmabuf/core/coherency";
import { expect, test } from "vitest";
import { choiceText } from "../../src/litmus/choice-text.ts";

const line = 32;
const range = [0, 32] as const;
const program: LitmusProgram = {
  name: "stack",
  domains: {
    l1: { line, behind: "l2" },
    l2: { line, behind: "l3", exclusive: true },
    l3: { line },
  },
  agents: {
    cpu: { route: "cached", domain: "l1" },
    port: { route: "snoop", domain: "l1" },
    acp: { route: "snoop", domain: "l1", writes: "allocate" },
  },
  buffer: { size: 32 },
  steps: [
    { agent: "cpu", op: "read", range },
    { op: "clean", domain: "l1", range },
    { agent: "port", op: "write", range },
    { agent: "acp", op: "write", range },
  ],
};

const choices = (text: string): WitnessStep["choices"] =>
  text.split(" ").map((word) => ({ domain: word.slice(1), allocates: word.startsWith("+") }));
const operation = (step: number, text: string): WitnessStep => ({
  kind: "operation",
  step,
  choices: choices(text),
});
const event = (name: "write-back" | "drop" | "fill", text: string): WitnessStep => ({
  kind: "event",
  event: name,
  domain: "l1",
  choices: choices(text),
});

test.each<[WitnessStep, string]>([
  [operation(0, "+l2 -l3"), ", l2 takes it too"],
  [operation(0, "-l2 -l3"), ""],
  [operation(1, "-l2 +l3"), ", past l2, into l3"],
  [operation(2, "-l2 -l3 +l2"), ", past l2, past l3, into l2"],
  [operation(3, "-l1 +l2"), ", into l2"],
  [operation(3, "+l1 -l2 +l3"), ", kept in the cache, l3 takes it too"],
  [event("fill", "+l2 +l3"), ", l2 takes it too, l3 takes it too"],
  [event("write-back", "+l2"), ", into l2"],
  [event("drop", "+l2"), ", l2 takes it"],
  [event("drop", "-l2"), ""],
  [{ kind: "event", event: "drop", domain: "l3", choices: [] }, ""],
])("%j: %s", (step, text) => {
  expect(choiceText(program, step)).toBe(text);
});
