// SPDX-License-Identifier: MIT
// A loosely-timed SystemC TLM-2.0 model of the pipeline bench, the peer of @dmabuf's machines:
//
//   camera, ISP, GPU, display -> SMMU -> interconnect -> memory
//                                          |      ^
//                                    snoop v      | fills, write-backs
//   CPU -------------------------------> CPU cache
//
// It shows the one execution that its cache-replacement policy happens to give, and checks each read of each line
// against the newest version. Prints one JSON object on one line.
#include <cinttypes>
#include <cstdio>
#include <systemc>
#include <tlm>

#include "arguments.h"
#include "cpu-clock.h"
#include "frame-pipeline.h"
#include "tlm/cpu-cache.h"
#include "tlm/cpu.h"
#include "tlm/dma-master.h"
#include "tlm/interconnect.h"
#include "tlm/memory.h"
#include "tlm/scoreboard.h"
#include "tlm/smmu.h"

struct Settings {
  uint32_t frames, burst, frame_bytes;
  bool holds_data, free_sync;
};

class Pipeline : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Pipeline);

  Pipeline(sc_core::sc_module_name name, const Settings& settings)
      : sc_module(name),
        settings_(settings),
        work_(settings.frame_bytes),
        pages_(work_.pages),
        scoreboard_(pages_.page_count() * lines_per_page),
        memory_("memory", pages_.page_count(), settings.holds_data, scoreboard_),
        cache_("cache", settings.holds_data, scoreboard_),
        iova_stride_((uint64_t{settings.frame_bytes} + iova_window - 1) / iova_window * iova_window),
        buffer_of_page_(pages_.page_count(), buffer_count),
        camera_image_(camera_image(work_.bytes)),
        isp_image_(work_.bytes),
        gpu_image_(work_.bytes),
        displayed_(work_.bytes) {
    for (DmaMaster* master : {&camera_, &isp_, &gpu_, &display_}) master->socket.bind(smmu_.masters);
    smmu_.downstream.bind(interconnect_.masters);
    cpu_.socket.bind(cache_.cpu_side);
    cache_.memory_side.bind(interconnect_.masters);
    interconnect_.snoop.bind(cache_.snoop_side);
    interconnect_.memory.bind(memory_.socket);
    for (uint32_t buffer = 0; buffer < buffer_count; buffer++) {
      for (uint32_t page = 0; page < work_.pages; page++) {
        const uint32_t frame = pages_.page_frame(Buffer(buffer), page);
        smmu_.map_page(iova(Buffer(buffer)) + uint64_t{page} * page_bytes, uint64_t{frame} * page_bytes);
        buffer_of_page_[frame] = static_cast<uint8_t>(buffer);
      }
    }
    SC_THREAD(run);
  }

  void print(double elapsed_ms) const {
    std::printf("{\"program\":\"tlm-pipeline\",\"frames\":%u,\"burst\":%u,\"frame_bytes\":%u,\"data\":%d,\"sync\":\"%s\"",
                settings_.frames, settings_.burst, settings_.frame_bytes, settings_.holds_data,
                settings_.free_sync ? "free" : "naive");
    std::printf(",\"cpu_ms\":%.3f,\"sync_ms_left_out\":%.3f", elapsed_ms - sync_ms_, sync_ms_);
    std::printf(",\"stale_lines\":%" PRIu64 ",\"checksum\":%" PRIu64, scoreboard_.stale_count(), scoreboard_.checksum());
    std::printf(",\"simulated_ns\":%.0f,\"write_backs\":%" PRIu64 ",\"tlb_misses\":%" PRIu64,
                simulated_.to_seconds() * 1e9, cache_.write_backs(), smmu_.misses());
    if (settings_.holds_data) std::printf(",\"displayed\":%u", fnv1a(displayed_));
    std::printf(",\"stale_reads\":[");
    const char* separator = "";
    for (const auto& run : scoreboard_.stale_runs()) {
      std::printf("%s[%u,%u,%u,%u]", separator, run.frame, run.reader, run.first_line, run.lines);
      separator = ",";
    }
    std::printf("]}\n");
  }

 private:
  static constexpr uint64_t iova_window = 32 << 20;

  uint64_t iova(Buffer buffer) const { return 0x1'0000'0000 + buffer * iova_stride_; }

  /// What a driver does around device access: maintains the CPU's cache for the whole buffer.
  ///
  /// The naive form asks for every line of the frame. The free form takes the shorter way over the tags, and its CPU
  /// time is left out of the result: no tuning of the maintenance makes this peer faster than that.
  void sync(Buffer buffer, Maintenance operation) {
    if (!settings_.free_sync) {
      for (uint32_t line = 0; line < work_.lines; line++) {
        cache_.maintain(pages_.physical_line(buffer, line), operation, delay_);
      }
      return;
    }
    const double started = cpu_ms();
    const auto is_in_buffer = [&](uint32_t line) { return buffer_of_page_[line / lines_per_page] == buffer; };
    cache_.maintain_range(work_.lines, is_in_buffer, operation, delay_);
    sync_ms_ += cpu_ms() - started;
  }

  void run() {
    const uint32_t bytes = work_.bytes;
    for (uint32_t frame = 0; frame < settings_.frames; frame++) {
      const bool gpu_snoops = FramePipeline::gpu_snoops(frame);

      camera_.write(iova(raw), camera_image_.data(), bytes, scoreboard_.next_version(), false, delay_);
      isp_.read(iova(raw), isp_image_.data(), bytes, false, delay_);
      scoreboard_.end_pass(frame, isp_reads);
      isp_.write(iova(processed), isp_image_.data(), bytes, scoreboard_.next_version(), false, delay_);
      if (FramePipeline::invalidates_processed(frame)) sync(processed, invalidate);

      for (uint32_t i = 0; i < FramePipeline::processed_samples; i++) {
        cpu_.read(pages_.physical_line(processed, work_.processed_sample(frame, i)), delay_);
      }
      scoreboard_.end_pass(frame, cpu_reads_processed);
      const uint32_t overlay = work_.overlay_line(frame);
      const uint32_t overlay_version = scoreboard_.next_version();
      for (uint32_t i = 0; i < FramePipeline::overlay_lines; i++) {
        cpu_.write(pages_.physical_line(processed, overlay + i), overlay_version, delay_);
      }
      if (FramePipeline::cleans_processed(frame)) sync(processed, clean);

      gpu_.read(iova(processed), gpu_image_.data(), bytes, gpu_snoops, delay_);
      scoreboard_.end_pass(frame, gpu_reads);
      gpu_.write(iova(composed), gpu_image_.data(), bytes, scoreboard_.next_version(), gpu_snoops, delay_);
      if (FramePipeline::invalidates_composed(frame)) sync(composed, invalidate);

      for (uint32_t i = 0; i < FramePipeline::composed_samples; i++) {
        cpu_.read(pages_.physical_line(composed, work_.composed_sample(i)), delay_);
      }
      scoreboard_.end_pass(frame, cpu_reads_composed);
      display_.read(iova(composed), displayed_.data(), bytes, false, delay_);
      scoreboard_.end_pass(frame, display_reads);
    }
    sc_core::wait(delay_);
    simulated_ = sc_core::sc_time_stamp();
  }

  const Settings settings_;
  const FramePipeline work_;
  const ScatteredPages pages_;
  Scoreboard scoreboard_;
  Memory memory_;
  CpuCache cache_;
  Interconnect interconnect_{"interconnect"};
  Smmu smmu_{"smmu", 4};
  DmaMaster camera_{"camera", 0, settings_.burst};
  DmaMaster isp_{"isp", 1, settings_.burst};
  DmaMaster gpu_{"gpu", 2, settings_.burst};
  DmaMaster display_{"display", 3, settings_.burst};
  Cpu cpu_{"cpu"};
  const uint64_t iova_stride_;
  std::vector<uint8_t> buffer_of_page_;
  std::vector<uint8_t> camera_image_, isp_image_, gpu_image_, displayed_;
  sc_core::sc_time delay_, simulated_;
  double sync_ms_ = 0;
};

int sc_main(int count, char** words) {
  const Arguments arguments(count, words,
                            {{"frames", "1000"},
                             {"burst", "4096"},
                             {"frame-bytes", std::to_string(nv12_4k_bytes)},
                             {"data", "0"},
                             {"sync", "naive"}});
  const std::string sync = arguments.text("sync");
  const Settings settings{arguments.number("frames"), arguments.number("burst"), arguments.number("frame-bytes"),
                          arguments.number("data") != 0, sync == "free"};
  if (sync != "naive" && sync != "free") Arguments::fail("--sync", "is naive or free");
  if (settings.burst == 0 || settings.burst % line_bytes != 0 || page_bytes % settings.burst != 0) {
    Arguments::fail("--burst", "is a power of two from 64 to 4096");
  }
  // Below this the CPU's samples and the overlay do not fit.
  if (settings.frame_bytes < 1 << 20 || settings.frame_bytes % line_bytes != 0) {
    Arguments::fail("--frame-bytes", "is a multiple of 64 from 1 MiB on");
  }
  Pipeline pipeline("pipeline", settings);
  const double started = cpu_ms();
  sc_core::sc_start();
  pipeline.print(cpu_ms() - started);
  return 0;
}
