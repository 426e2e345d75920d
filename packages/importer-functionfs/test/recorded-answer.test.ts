// SPDX-License-Identifier: MIT
// Replays what Linux 6.12 answered, found through DMABUF_GOLDEN; without it these tests are skipped.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DmaBuf, fdinfo, type Process } from "@dmabuf/core";
import { MILLISECOND, SECOND } from "@dmabuf/core/sim";
import { describe, expect, test } from "vitest";
import type { EndpointFile } from "../src/index.ts";
import { errnoOf, GadgetBench } from "./gadget-bench.ts";

interface Step {
  readonly call: string;
  readonly ret: number | "fd";
  readonly errno?: string | null;
}

interface Recorded {
  readonly case: string;
  readonly steps: readonly Step[];
  readonly obs?: Readonly<Record<string, string | number>>;
  readonly crash?: string;
}

const folder = process.env["DMABUF_GOLDEN"];
const file = folder === undefined ? null : join(folder, "linux-6.12-functionfs.jsonl");
const recorded: Recorded[] =
  file === null || !existsSync(file)
    ? []
    : readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Recorded);

/** Descriptors of other files and bad pointers: the model has neither. */
const outOfScope = /\((?:\/dev\/null|memfd|the ep fd|NULL)/;

/** One recorded case on the model. The host asks for data when the record says so, and not before. */
class Replay {
  readonly bench = new GadgetBench();
  readonly files = new Map<string, EndpointFile>();
  readonly skipped: string[] = [];
  readonly #recorded: Recorded;
  readonly #letHostAsk: () => void;
  #buffer: DmaBuf | null = null;
  #fd = -1;
  #last = "";
  #seen = new Map<string, unknown>();

  constructor(recordedCase: Recorded) {
    this.#recorded = recordedCase;
    this.#letHostAsk = this.bench.holdHost();
    if (recordedCase.case.includes("unbound")) this.bench.gadget.unbind();
  }

  *run(): Process {
    for (const { call, ret, errno } of this.#recorded.steps) {
      if (outOfScope.test(call)) {
        this.skipped.push(call);
        continue;
      }
      const before = this.bench.now;
      const answer = yield* errnoOf(this.#perform(call, ret));
      expect(answer, call).toBe(errno ?? null);
      if (call.includes("blocking")) this.#seen.set("blocked_approx_s", (this.bench.now - before) / SECOND);
      this.#observe(call);
    }
    yield* this.#settle();
    for (const [what, value] of Object.entries(this.#recorded.obs ?? {})) {
      const seen = this.#seen.get(what);
      // Of fdinfo, the lines that every file has are not the model's.
      expect(what.startsWith("fdinfo") ? String(value).endsWith(String(seen)) : seen === value, what).toBe(
        true,
      );
    }
  }

  *#settle(): Process {
    this.#letHostAsk();
    yield MILLISECOND;
    for (const each of this.files.values()) yield* each.close();
    yield MILLISECOND;
  }

  *#perform(call: string, ret: number | "fd"): Process {
    const [, flags = "0", length = "0"] = /flags=(\d+),length=(\d+)/.exec(call) ?? [];
    const [, closed] = /\((-1|999)\b/.exec(call) ?? [];
    const fd = closed === undefined ? this.#fd : Number(closed);
    if (call.startsWith("udmabuf(") || call === "heap alloc") this.#open(call);
    else if (call.startsWith("open(ffs")) this.#openFile(call);
    else if (call.startsWith("FUNCTIONFS_DMABUF_ATTACH")) yield* this.#file(call).attach(fd);
    else if (call.startsWith("FUNCTIONFS_DMABUF_DETACH")) yield* this.#file(call).detach(fd);
    else if (call.startsWith("FUNCTIONFS_DMABUF_TRANSFER")) {
      yield* this.#file(call).transfer(fd, { flags: Number(flags), length: Number(length) });
    } else if (call.startsWith("poll(")) expect(this.#poll(call), call).toBe(ret === 1);
    else if (call.startsWith("close(")) this.bench.system.dmaBuf.fds.close(this.#fd);
    else if (call.startsWith("host USBDEVFS_BULK")) {
      this.#letHostAsk();
      yield SECOND;
      const { log } = this.bench.system.analysis;
      expect(log.extents(log.length - 1).bytes, call).toBe(ret);
      this.#seen.set("data_equal", 1);
    } else throw new TypeError(`the replay does not know: ${call}`);
  }

  #open(call: string): void {
    const [, size = "4096"] = /size=(\d+)/.exec(call) ?? [];
    const { buffer, fd } = this.bench.open(Number(size));
    this.#buffer = buffer;
    this.#fd = fd;
  }

  #openFile(call: string): void {
    const [, name = "IN"] = /ep\d (IN|OUT)/.exec(call) ?? [];
    const endpoint = name === "IN" ? this.bench.gadget.in : this.bench.gadget.out;
    this.files.set(name, endpoint.open({ nonblock: call.includes("O_NONBLOCK") }));
    this.#last = name;
  }

  #file(call: string): EndpointFile {
    const [named] = /\b(?:IN|OUT)\b/.exec(call) ?? [];
    const found = this.files.get(named ?? this.#last) ?? this.files.get(this.#last);
    if (found === undefined) throw new TypeError(`no file for ${call}`);
    return found;
  }

  /** POLLIN asks for writers, POLLOUT for everybody (B-64). */
  #poll(call: string): boolean {
    const writes = call.includes("events=0x4");
    return this.#buffer?.resv.testSignaled(writes ? "read" : "write") ?? false;
  }

  #observe(call: string): void {
    if (this.#buffer === null || this.#buffer.references === 0) return;
    if (call.includes("ATTACH(udmabuf 4 pages")) this.#seen.set("fdinfo_attached", fdinfo(this.#buffer));
    if (call.includes("DETACH(udmabuf")) this.#seen.set("fdinfo_detached", fdinfo(this.#buffer));
    const fence = this.bench.pending(this.#buffer, "write");
    if (fence === null) this.#seen.set("sync_file_READ_done", "status=1 n=1 drv=stub obj=stub");
    else {
      const { driverName, timelineName } = fence;
      this.#seen.set("sync_file_READ_pending", `status=0 n=1 drv=${driverName} obj=${timelineName}`);
    }
  }
}

if (recorded.length === 0) {
  test("Linux 6.12 answers the same", ({ skip }) => {
    skip("DMABUF_GOLDEN is not set to a folder with linux-6.12-functionfs.jsonl");
  });
} else {
  describe("Linux 6.12 answers the same", () => {
    const skipped: string[] = [];
    test.each(recorded.filter(({ crash }) => crash === undefined))("$case", (each) => {
      const replay = new Replay(each);
      replay.bench.run(replay.run());
      skipped.push(...replay.skipped);
    });
    test("all but what the model has no word for", () => {
      // The crashed case is a kernel fault, and no contract.
      const crashed = recorded.filter(({ crash }) => crash !== undefined).map((each) => each.case);
      expect(crashed).toEqual(["ffs-sg/detach_pending"]);
      expect(skipped).toEqual([
        "FUNCTIONFS_DMABUF_ATTACH(/dev/null)",
        "FUNCTIONFS_DMABUF_ATTACH(memfd)",
        "FUNCTIONFS_DMABUF_ATTACH(the ep fd)",
        "ATTACH(NULL)",
        "TRANSFER(NULL)",
        "FUNCTIONFS_DMABUF_DETACH(/dev/null)",
        "FUNCTIONFS_DMABUF_TRANSFER(/dev/null,flags=0,length=4096)",
      ]);
    });
  });
}
