// SPDX-License-Identifier: MIT
import { type BoardDescription, InputError, nearestName, overlaid, Platform } from "@dmabuf/core";
import { describeMachine, type MachineFacts, readDeviceTree } from "@dmabuf/devicetree";
import { type I915Machine, i915, machines } from "@dmabuf/platform-i915";
import { coherent, noncoherent } from "@dmabuf/platform-toy";
import { zc702, zynq7000, zynq7000Board, zynq7000Options } from "@dmabuf/platform-zynq7000";
import { smmuOn, zcu102, zynqmp, zynqmpBoard } from "@dmabuf/platform-zynqmp";
import { readDocuments } from "../input/read-documents.ts";
import type { Overlay } from "../pipeline/pipeline-schema.ts";
import { readOverlay } from "../pipeline/read-pipeline.ts";
import type { Session } from "../session.ts";

/** The built-in boards by name. */
const builtIn: Readonly<Record<string, (overlay: Overlay | null) => Platform>> = {
  zynqmp: (overlay) => zynqmp(withOverlay(zcu102, overlay)),
  zcu102: (overlay) => zynqmp(withOverlay(zcu102, overlay)),
  "zynqmp-smmu": (overlay) => zynqmp(withOverlay(smmuOn(zcu102), overlay)),
  zynq7000: (overlay) => zynq7000(withOverlay(zc702, overlay)),
  zc702: (overlay) => zynq7000(withOverlay(zc702, overlay)),
  coherent: (overlay) => withoutOverlay(coherent(), overlay),
  noncoherent: (overlay) => withoutOverlay(noncoherent(), overlay),
  ...Object.fromEntries(
    i915Boards().map(([name, make]) => [name, (overlay: Overlay | null) => withoutOverlay(make(), overlay)]),
  ),
};

/**
 * The machines with an i915 GPU, and those that have VT-d once more with it: as `intel_iommu=on` alone has it on x86, where the DMA
 * API flushes lazily (`CONFIG_IOMMU_DEFAULT_DMA_LAZY`), and with the graphics unit off besides (`intel_iommu=on,igfx_off`).
 */
function i915Boards(): (readonly [name: string, make: () => Platform])[] {
  return Object.entries<I915Machine>(machines).flatMap(([name, machine]) => {
    const plain = [`i915-${name}`, () => i915(machine)] as const;
    if (machine.dmar === undefined) return [plain];
    return [
      plain,
      [`i915-${name}-vtd`, () => i915(machine, { vtd: "lazy" })],
      [`i915-${name}-igfx-off`, () => i915(machine, { vtd: "igfx-off" })],
    ] as const;
  });
}

/** The platforms of device trees by a `compatible` of their root. */
const byCompatible: Readonly<Record<string, (machine: MachineFacts, overlay: Overlay | null) => Platform>> = {
  "xlnx,zynqmp": (machine, overlay) => zynqmp(withOverlay(zynqmpBoard(machine), overlay)),
  "xlnx,zynq-7000": (machine, overlay) =>
    zynq7000(withOverlay(zynq7000Board(machine), overlay), zynq7000Options(machine)),
};

/** Names that `--board` knows. */
export const boardNames: readonly string[] = Object.keys(builtIn);

/**
 * The platform behind `--board`: a built-in name, the `.dtb` of a Zynq, or a module whose default export makes a platform.
 * Throws `InputError` for anything else, with the boards that run.
 */
export async function platformFor(
  session: Session,
  board: string,
  overlayFile: string | null,
): Promise<Platform> {
  const overlay = overlayFile === null ? null : await readOverlayFile(session, overlayFile);
  const make = Object.hasOwn(builtIn, board) ? builtIn[board] : undefined;
  if (make !== undefined) return make(overlay);
  if (/\.dtb$/i.test(board)) return fromDeviceTree(session, board, overlay);
  if (/\.[cm]?[jt]s$/i.test(board)) return withoutOverlay(await fromModule(session, board), overlay);
  const hint = nearestName(board, boardNames);
  throw new InputError("", `no board "${board}"${hint}; a .dtb file of a Zynq or a module does as well`);
}

async function readOverlayFile(session: Session, file: string): Promise<Overlay> {
  const { fileName, text } = await session.reader.read(file);
  const documents = readDocuments(text, fileName);
  const [document] = documents;
  if (document === undefined || documents.length > 1) {
    throw new InputError(fileName, `an overlay is one document; there are ${documents.length}`);
  }
  return readOverlay(document);
}

async function fromDeviceTree(session: Session, file: string, overlay: Overlay | null): Promise<Platform> {
  const machine = describeMachine(readDeviceTree(await session.reader.readBytes(file), file));
  const family = machine.compatible.find((one) => Object.hasOwn(byCompatible, one));
  const make = family === undefined ? undefined : byCompatible[family];
  if (make !== undefined) return make(machine, overlay);
  const known = machine.compatible.at(-1) ?? "an unknown machine";
  const run = `boards that run are ${boardNames.join(", ")} and device trees of ${Object.keys(byCompatible).join(", ")}`;
  throw new InputError(file, `is of ${known}, for which there is no platform; ${run}`);
}

async function fromModule(session: Session, file: string): Promise<Platform> {
  // A missing file is said as for every input; the loader's own words name the file that imports it.
  await session.reader.readBytes(file);
  const loaded = await session.context.importModule(file).catch((error: unknown) => {
    throw new InputError(file, `cannot be loaded: ${(error as Error).message}`);
  });
  const made = typeof loaded === "function" ? loaded() : loaded;
  if (made instanceof Platform) return made;
  throw new InputError(file, "its default export is neither a platform nor a function that returns one");
}

const withOverlay = (description: BoardDescription, overlay: Overlay | null): BoardDescription =>
  overlay === null ? description : overlaid(description, overlay);

function withoutOverlay(platform: Platform, overlay: Overlay | null): Platform {
  if (overlay === null) return platform;
  throw new InputError("", "--overlay changes a Zynq board or a .dtb; change this board in its own module");
}
