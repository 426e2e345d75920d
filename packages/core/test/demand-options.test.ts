// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { demandOptions, InputError } from "../src/index.ts";

interface Options {
  readonly mode?: string;
  readonly width?: number;
  readonly omits?: readonly string[];
  readonly coherentWalk?: boolean;
  readonly handler?: () => void;
}

const check = (options: unknown) => () =>
  demandOptions<Options>("dmar0", options as Options, {
    mode: { oneOf: ["legacy", "scalable"] },
    width: { from: 1, to: 16 },
    omits: { someOf: ["TLBIVA", "TLBIASID"] },
    coherentWalk: "flag",
    handler: "any",
  });

test("options that there are, with values that they can have, are fine, and so are none", () => {
  expect(check({})).not.toThrow();
  expect(check({ mode: "scalable", width: 16, omits: [], coherentWalk: false, handler() {} })).not.toThrow();
  expect(check({ omits: ["TLBIASID", "TLBIVA"], width: 1 })).not.toThrow();
});

test.each([
  [{ mod: "legacy" }, 'dmar0: no option "mod"; did you mean "mode"?'],
  [{ toString: 1 }, 'dmar0: no option "toString"; known: mode, width, omits, coherentWalk, handler'],
  [{ mode: "scaleable" }, 'dmar0.mode: "scaleable" is none of legacy, scalable; did you mean "scalable"?'],
  [{ mode: 3 }, "dmar0.mode: 3 is none of legacy, scalable"],
  [{ mode: undefined }, "dmar0.mode: is undefined; leave it out"],
  [{ mode: null }, "dmar0.mode: null is none of legacy, scalable"],
  [{ width: 17 }, "dmar0.width: 17 is not a whole number from 1 to 16"],
  [{ width: 1.5 }, "dmar0.width: 1.5 is not a whole number from 1 to 16"],
  [{ width: "8" }, 'dmar0.width: "8" is not a whole number from 1 to 16'],
  [{ omits: "TLBIVA" }, 'dmar0.omits: "TLBIVA" is no list; some of TLBIVA, TLBIASID'],
  [{ omits: ["TLBVA"] }, 'dmar0.omits: "TLBVA" is none of TLBIVA, TLBIASID; did you mean "TLBIVA"?'],
  [{ coherentWalk: "yes" }, 'dmar0.coherentWalk: "yes" is neither true nor false'],
  [null, "dmar0: options are an object, not null"],
  [["legacy"], "dmar0: options are an object, not a list"],
])("%j is one line: what, where, why", (options, message) => {
  expect(check(options)).toThrow(InputError);
  expect(check(options)).toThrow(new RegExp(`^${message.replace(/[[\](){}.*+?^$|\\]/g, "\\$&")}$`));
});
