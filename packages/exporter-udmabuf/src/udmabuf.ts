// SPDX-License-Identifier: MIT
import { ARCH, definePlugin, type Plugin } from "@dmabuf/core";
import { UdmabufDevice, type UdmabufOptions } from "./udmabuf-device.ts";

/** The exporter `udmabuf`: buffers of memfd pages, 64 MiB each at most unless the module's limit is raised. */
export const udmabuf = (options: UdmabufOptions = {}): Plugin =>
  definePlugin({
    name: "@dmabuf/exporter-udmabuf",
    needs: { arch: ARCH },
    provides: { exporters: { udmabuf: (services) => new UdmabufDevice(services, services.arch, options) } },
  });
