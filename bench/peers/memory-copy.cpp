// SPDX-License-Identifier: MIT
// The limit of any model that moves the pipeline's bytes: six copies of a frame with memcpy, and the overlay, nothing
// else. Prints one JSON object on one line.
#include <cstdio>
#include <cstring>

#include "arguments.h"
#include "cpu-clock.h"
#include "frame-pipeline.h"

int main(int count, char** words) {
  const Arguments arguments(count, words, {{"frames", "100"}, {"frame-bytes", std::to_string(nv12_4k_bytes)}});
  const uint32_t frames = arguments.number("frames");
  const FramePipeline work(arguments.number("frame-bytes"));
  const size_t bytes = work.bytes;
  const std::vector<uint8_t> camera = camera_image(work.bytes);
  std::vector<uint8_t> raw(bytes, 1), isp(bytes, 1), processed(bytes, 1), gpu(bytes, 1), composed(bytes, 1),
      displayed(bytes, 1);

  const double started = cpu_ms();
  for (uint32_t frame = 0; frame < frames; frame++) {
    std::memcpy(raw.data(), camera.data(), bytes);
    std::memcpy(isp.data(), raw.data(), bytes);
    std::memcpy(processed.data(), isp.data(), bytes);
    std::memset(&processed[size_t{work.overlay_line(frame)} * line_bytes], FramePipeline::overlay_byte,
                FramePipeline::overlay_lines * line_bytes);
    std::memcpy(gpu.data(), processed.data(), bytes);
    std::memcpy(composed.data(), gpu.data(), bytes);
    std::memcpy(displayed.data(), composed.data(), bytes);
    asm volatile("" : : "g"(displayed.data()) : "memory");  // every frame counts, not only the last
  }
  const double elapsed = cpu_ms() - started;

  std::printf("{\"program\":\"memory-copy\",\"frames\":%u,\"frame_bytes\":%zu,\"cpu_ms\":%.3f,\"displayed\":%u}\n", frames,
              bytes, elapsed, fnv1a(displayed));
  return 0;
}
