// SPDX-License-Identifier: MIT
// The workload of the pipeline bench: camera -> ISP -> CPU (histogram, overlay) -> GPU -> CPU (histogram) -> display,
// on three buffers of scattered pages. The same numbers are in bench/frame-pipeline.mjs; change both or none.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "xorshift.h"

constexpr uint32_t line_bytes = 64;
constexpr uint32_t page_bytes = 4096;
constexpr uint32_t lines_per_page = page_bytes / line_bytes;
/// A 3840x2160 NV12 frame.
constexpr uint32_t nv12_4k_bytes = 3840 * 2160 * 3 / 2;

/// The three buffers, by what is in them.
enum Buffer : uint32_t { raw, processed, composed, buffer_count };

/// Who reads, as numbered in the output.
enum Reader : uint32_t { isp_reads = 1, cpu_reads_processed, gpu_reads, cpu_reads_composed, display_reads };

/// What the CPU touches in a frame, and where synchronisation is missing.
struct FramePipeline {
  static constexpr uint32_t processed_samples = 1944;
  static constexpr uint32_t composed_samples = 480;
  /// The overlay: 64 rows of 3840 bytes of luma.
  static constexpr uint32_t lines_per_row = 60;
  static constexpr uint32_t overlay_rows = 64;
  static constexpr uint32_t overlay_lines = overlay_rows * lines_per_row;
  static constexpr uint8_t overlay_byte = 0x5a;

  explicit FramePipeline(uint32_t frame_bytes)
      : bytes(frame_bytes),
        lines(frame_bytes / line_bytes),
        pages((frame_bytes + page_bytes - 1) / page_bytes),
        processed_stride(lines / processed_samples),
        composed_stride(lines / composed_samples),
        overlay_positions(lines / 3 * 2 / lines_per_row - overlay_rows) {}

  /// Every 64-byte line that the CPU reads of the processed frame moves by one line a frame.
  uint32_t processed_sample(uint32_t frame, uint32_t sample) const {
    return sample * processed_stride + frame % processed_stride;
  }
  uint32_t composed_sample(uint32_t sample) const { return sample * composed_stride; }
  uint32_t overlay_line(uint32_t frame) const { return frame * 37 % overlay_positions * lines_per_row; }

  /// The GPU snoops the CPU's cache on even frames, as when its mapping's cacheability changes.
  static bool gpu_snoops(uint32_t frame) { return frame % 2 == 0; }
  /// The driver's mistakes: one maintenance operation is left out on three frames of every fifty.
  static bool invalidates_processed(uint32_t frame) { return frame % 50 != 7; }
  static bool cleans_processed(uint32_t frame) { return frame % 50 != 13; }
  static bool invalidates_composed(uint32_t frame) { return frame % 50 != 29; }

  const uint32_t bytes, lines, pages, processed_stride, composed_stride, overlay_positions;
};

/// Physical pages of the three buffers: runs of 1 to 32 pages with gaps of 0 to 7 pages, as an allocator under
/// pressure gives them.
class ScatteredPages {
 public:
  explicit ScatteredPages(uint32_t pages_per_buffer) {
    Xorshift random(4242);
    uint32_t next_page = 16;
    for (auto& frame_numbers : page_frames_) {
      while (frame_numbers.size() < pages_per_buffer) {
        const uint32_t run = 1 + random.next() % 32;
        next_page += random.next() % 8;
        for (uint32_t i = 0; i < run && frame_numbers.size() < pages_per_buffer; i++) {
          frame_numbers.push_back(next_page++);
        }
      }
    }
    page_count_ = next_page;
  }

  uint32_t page_frame(Buffer buffer, uint32_t page) const { return page_frames_[buffer][page]; }
  /// Physical line number of a line of a buffer.
  uint32_t physical_line(Buffer buffer, uint32_t line) const {
    return page_frames_[buffer][line / lines_per_page] * lines_per_page + line % lines_per_page;
  }
  /// Pages from address zero to the end of the last buffer.
  uint32_t page_count() const { return page_count_; }

 private:
  std::array<std::vector<uint32_t>, buffer_count> page_frames_;
  uint32_t page_count_ = 0;
};

/// What the camera sees: the same random bytes in every frame.
inline std::vector<uint8_t> camera_image(uint32_t bytes) {
  std::vector<uint8_t> image(bytes);
  Xorshift random(2026);
  std::generate(image.begin(), image.end(), [&] { return static_cast<uint8_t>(random.next()); });
  return image;
}

/// 32-bit FNV-1a, to compare what was displayed.
inline uint32_t fnv1a(const std::vector<uint8_t>& bytes) {
  uint32_t hash = 0x811c9dc5;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x01000193;
  return hash;
}
