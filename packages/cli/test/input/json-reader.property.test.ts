// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonFault, offsetInJson, readJson } from "../../src/input/json-reader.ts";

const special = ["__proto__", "constructor", "prototype"];
const json = fc
  .jsonValue({ maxDepth: 4, noUnicodeString: false })
  .filter((value) => !special.some((key) => JSON.stringify(value).includes(`"${key}":`)));
const spacing = fc.constantFrom(undefined, 1, "\t");

test("it reads what JSON.parse reads", () => {
  fc.assert(
    fc.property(json, spacing, (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(readJson(text)).toEqual(JSON.parse(text));
    }),
    { seed: 20261120, numRuns: 500 },
  );
});

test("it refuses what JSON.parse refuses, with the same few exceptions more", () => {
  const accepts = (read: (text: string) => unknown, text: string): boolean => {
    try {
      read(text);
      return true;
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof JsonFault) return false;
      throw error;
    }
  };
  const mutated = fc
    .tuple(json, fc.nat(), fc.constantFrom(...'{}[]:,"\\ -0.eu1tn\n\t'), fc.nat(2))
    .map(([value, where, character, removed]) => {
      const text = JSON.stringify(value);
      const at = where % (text.length + 1);
      return text.slice(0, at) + character + text.slice(at + removed);
    });
  fc.assert(
    fc.property(mutated, (text) => {
      const plain = accepts((whole) => JSON.parse(whole), text);
      const strict = accepts(readJson, text);
      if (strict) expect(plain).toBe(true);
      // A mutation can make two keys equal, which only the stricter of the two minds.
      if (plain && !strict) expect(() => readJson(text)).toThrow(/stands here twice/);
    }),
    { seed: 20261120, numRuns: 3000 },
  );
});

test("it knows where each value stands", () => {
  const text = '{ "a": [ 10, {"b": "c", "d": 11} ], "e": 12 }';
  expect(text.slice(offsetInJson(text, ["a", 1, "d"], "value"))).toMatch(/^11/);
  expect(text.slice(offsetInJson(text, ["a", 1, "d"], "key"))).toMatch(/^"d"/);
  expect(text.slice(offsetInJson(text, ["a", 0], "value"))).toMatch(/^10/);
  expect(text.slice(offsetInJson(text, ["a", 7, "x"], "value"))).toMatch(/^\[ 10/);
  expect(text.slice(offsetInJson(text, ["e"], "key"))).toMatch(/^"e"/);
});
