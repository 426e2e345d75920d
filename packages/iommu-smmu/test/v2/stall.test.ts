// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import type { SmmuV2ContextFault } from "../../src/v2/smmu-v2-options.ts";
import { Machine, map } from "./machine.ts";

describe("an access that faults stands still (CFCFG)", () => {
  test("and is tried again when the handler has mapped what is missing", () => {
    const seen: SmmuV2ContextFault[] = [];
    const machine = new Machine({
      stall: true,
      onContextFault(fault) {
        seen.push(fault);
        map(fault.domain, fault.address, 0x10_0000, 0x1000);
        return "retry";
      },
    });
    const domain = machine.domain();
    expect(machine.access(0x5000, IommuProt.WRITE)).toMatchObject({ fault: null, address: 0x10_0000 });
    expect(seen).toEqual([{ kind: "TF", address: 0x5000, write: true, stream: 1, domain }]);
    // SS is bit 30.
    expect(machine.log[0]).toMatch("fsr=0x40000402");
    expect(machine.unit.smmu.banks[0]?.fsr).toBe(0);
    machine.access(0x5000);
    expect(seen.length).toBe(1);
  });

  test("as often as something else is missing: first the page, then that it may be written", () => {
    const kinds: string[] = [];
    const machine = new Machine({
      stall: true,
      onContextFault({ kind, address, domain }) {
        kinds.push(kind);
        if (kind === "PF") {
          domain.unmap(address as never, 0x1000);
          domain.flush(address as never, 0x1000);
        }
        map(domain, address, 0x10_0000, 0x1000, kind === "PF" ? 3 : 1);
        return "retry";
      },
    });
    machine.domain();
    expect(machine.access(0x5000, IommuProt.WRITE).fault).toBe(null);
    expect(kinds).toEqual(["TF", "PF"]);
  });

  test("also when the same is missing one level further down", () => {
    const levels: number[] = [];
    const machine = new Machine({
      stall: true,
      onContextFault({ domain, address }) {
        const level = (machine.unit.smmu.banks[0]?.fsynr0 ?? 0) & 3;
        levels.push(level);
        map(domain, level === 3 ? address : address + 0x1000, 0x10_0000, 0x1000);
        return "retry";
      },
    });
    machine.domain();
    expect(machine.access(0x5000).fault).toBe(null);
    expect(levels).toEqual([0, 3]);
  });

  test("and ends when the handler mends nothing, terminates it, or is not there", () => {
    let asked = 0;
    const onContextFault = (): "retry" => {
      asked++;
      return "retry";
    };
    for (const options of [{ onContextFault }, { onContextFault: () => "terminate" as const }, {}]) {
      const machine = new Machine({ stall: true, ...options });
      machine.domain();
      expect(machine.access(0x5000).fault).toMatch(/^TF .*FSR 0x40000402/);
    }
    expect(asked).toBe(2);
  });
});

test("without stalling the handler is told, and the access is gone", () => {
  const machine = new Machine({
    onContextFault({ domain, address }) {
      map(domain, address, 0x10_0000, 0x1000);
      return "retry";
    },
  });
  machine.domain();
  expect(machine.access(0x5000).fault).toMatch(/FSR 0x402/);
  expect(machine.access(0x5000).fault).toBe(null);
});
