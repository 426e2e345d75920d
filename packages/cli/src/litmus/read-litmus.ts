// SPDX-License-Identifier: MIT
import { InputError, nearestName, parseSize } from "@dmabuf/core";
import { orderProblem, stackProblem, type TimedLitmusProgram } from "@dmabuf/core/coherency";
import type { FieldPath, InputDocument } from "../input/input-document.ts";
import { inputError, parseWith } from "../input/parse-with.ts";
import { quoted } from "../one-line.ts";
import { type LitmusText, litmusProgramSchema } from "./litmus-schema.ts";

/**
 * Domains that a program may have. A byte has 2 x 5^n concrete states over n domains, and the engine tracks sets of
 * them; no board has more than a few caches that are not coherent with each other.
 */
const MOST_DOMAINS = 6;

/** Largest buffer, in bytes: beyond it whole numbers begin to run out. */
const LARGEST_BUFFER = 2 ** 52;

const fenceKeys = ["signal", "wait"];
const stepKeys = ["on", "agent", "op", "domain", "range"];

/**
 * The litmus program that a document holds, every name resolved, every range inside the buffer, and its timelines in order. Throws
 * `InputError` with file, line, column, document, field and reason, and the nearest right name for a misspelt one.
 */
export function readLitmus(document: InputDocument): TimedLitmusProgram {
  refuseOddFence(document);
  const text = parseWith(litmusProgramSchema, document);
  const size = bufferSize(document, text);
  if (Object.keys(text.domains).length > MOST_DOMAINS) {
    throw inputError(
      document,
      ["domains"],
      `more than ${MOST_DOMAINS} domains that are not coherent with each other`,
    );
  }
  const stack = stackProblem(text.domains);
  if (stack !== null) throw inputError(document, ["domains", stack.domain, stack.field], stack.reason);
  for (const [agent, route] of Object.entries(text.agents)) {
    if (route.route !== "direct")
      mustBe("domain", route.domain, text.domains, document, ["agents", agent, "domain"]);
  }
  for (const [index, step] of text.steps.entries()) {
    if (!("op" in step)) continue;
    if ("agent" in step) mustBe("agent", step.agent, text.agents, document, ["steps", index, "agent"]);
    else mustBe("domain", step.domain, text.domains, document, ["steps", index, "domain"]);
    mustFit(step.range, size, document, ["steps", index, "range"]);
  }
  const problem = orderProblem({ ...text, buffer: { size } });
  if (problem !== null) throw inputError(document, problem.path, problem.reason);
  const { expect, ...program } = text;
  return { ...program, buffer: { size }, ...(expect === undefined ? {} : { expect }) };
}

/** Says of a misspelt `signal` or `wait` so, which would look like an operation without `op`, and of both in one step. */
function refuseOddFence(document: InputDocument): void {
  const { steps } = (document.value ?? {}) as { steps?: unknown };
  if (!Array.isArray(steps)) return;
  for (const [index, step] of steps.entries()) {
    if (typeof step !== "object" || step === null) continue;
    const keys = Object.keys(step);
    if (fenceKeys.every((key) => keys.includes(key))) {
      throw inputError(
        document,
        ["steps", index, "wait"],
        "a step signals a fence or waits for one, not both",
        "key",
      );
    }
    if (keys.some((key) => fenceKeys.includes(key) || key === "op")) continue;
    for (const key of keys.filter((each) => !stepKeys.includes(each))) {
      const nearest = nearestName(key, [...stepKeys, ...fenceKeys]);
      if (fenceKeys.some((fence) => nearest.includes(`did you mean "${fence}"`)))
        throw inputError(document, ["steps", index, key], `unknown key${nearest}`, "key");
    }
  }
}

function bufferSize(document: InputDocument, { buffer }: LitmusText): number {
  const path = ["buffer", "size"];
  let size: number;
  try {
    size = parseSize(buffer.size);
  } catch (error) {
    if (error instanceof InputError) throw inputError(document, path, error.reason);
    throw error;
  }
  if (size === 0) throw inputError(document, path, "a buffer has at least one byte");
  if (size > LARGEST_BUFFER)
    throw inputError(document, path, `${quoted(buffer.size)} is more than 2^52 bytes`);
  return size;
}

function mustBe(
  role: "agent" | "domain",
  name: string,
  known: Readonly<Record<string, unknown>>,
  document: InputDocument,
  path: FieldPath,
): void {
  if (Object.hasOwn(known, name)) return;
  throw inputError(document, path, `no ${role} ${quoted(name)}${nearestName(name, Object.keys(known))}`);
}

function mustFit(
  [start, end]: readonly [number, number],
  size: number,
  document: InputDocument,
  path: FieldPath,
): void {
  if (start >= end) throw inputError(document, path, `[${start}, ${end}) is empty; ranges are half-open`);
  if (end > size)
    throw inputError(document, [...path, 1], `${end} is past the end of the buffer of ${size} bytes`);
}
