// SPDX-License-Identifier: MIT
// The CPU cluster's outer cache: 1 MiB, 16 ways, 64-byte lines, write-back, write-allocate, true LRU. The CPU reads and
// writes through it, I/O-coherent masters snoop it, and the driver maintains it by address.
#pragma once
#include <cstring>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

#include "../frame-pipeline.h"
#include "access.h"
#include "scoreboard.h"

/// What a maintenance operation does with a line that it finds.
struct Maintenance {
  bool cleans, invalidates;
};
constexpr Maintenance clean{true, false};
constexpr Maintenance invalidate{false, true};

class CpuCache : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<CpuCache> cpu_side{"cpu_side"};
  tlm_utils::simple_target_socket<CpuCache> snoop_side{"snoop_side"};
  tlm_utils::simple_initiator_socket<CpuCache> memory_side{"memory_side"};

  CpuCache(sc_core::sc_module_name name, bool holds_data, Scoreboard& scoreboard)
      : sc_module(name),
        tags_(set_count * way_count, no_line),
        ages_(set_count * way_count),
        versions_(set_count * way_count),
        dirty_(set_count * way_count),
        holds_data_(holds_data),
        bytes_(size_t{set_count} * way_count * line_bytes),
        access_(new Access),
        scoreboard_(scoreboard) {
    cpu_side.register_b_transport(this, &CpuCache::cpu_transport);
    snoop_side.register_b_transport(this, &CpuCache::snoop_transport);
    access_->from_cache = true;
    memory_transaction_.set_extension(access_);  // the payload owns it from here
    memory_transaction_.set_data_length(line_bytes);
    memory_transaction_.set_streaming_width(line_bytes);
    memory_transaction_.set_byte_enable_ptr(nullptr);
  }

  /// Maintains one line by address, as `dc cvac` and `dc ivac` do.
  void maintain(uint32_t line, Maintenance operation, sc_core::sc_time& delay) {
    delay += latency_.maintenance;
    const uint32_t entry = find(line);
    if (entry != no_entry) maintain_entry(entry, operation, delay);
  }

  /// Maintains `lines` lines by one walk over the tags: the same outcome for a range larger than the cache, sooner.
  template <typename IsInRange>
  void maintain_range(uint32_t lines, IsInRange is_in_range, Maintenance operation, sc_core::sc_time& delay) {
    delay += latency_.maintenance * lines;
    for (uint32_t entry = 0; entry < tags_.size(); entry++) {
      if (tags_[entry] != no_line && is_in_range(tags_[entry])) maintain_entry(entry, operation, delay);
    }
  }

  uint64_t write_backs() const { return write_backs_; }

 private:
  static constexpr uint32_t set_count = 1024;
  static constexpr uint32_t way_count = 16;
  static constexpr uint32_t no_line = ~0u;
  static constexpr uint32_t no_entry = ~0u;

  static uint32_t first_entry(uint32_t line) { return line % set_count * way_count; }

  uint32_t find(uint32_t line) const {
    const uint32_t first = first_entry(line);
    for (uint32_t entry = first; entry < first + way_count; entry++) {
      if (tags_[entry] == line) return entry;
    }
    return no_entry;
  }

  uint32_t victim(uint32_t line) const {
    const uint32_t first = first_entry(line);
    uint32_t oldest = first;
    for (uint32_t entry = first; entry < first + way_count; entry++) {
      if (tags_[entry] == no_line) return entry;
      if (ages_[entry] < ages_[oldest]) oldest = entry;
    }
    return oldest;
  }

  void memory_access(tlm::tlm_command command, uint32_t line, uint32_t entry, sc_core::sc_time& delay) {
    memory_transaction_.set_command(command);
    memory_transaction_.set_address(uint64_t{line} * line_bytes);
    memory_transaction_.set_data_ptr(&bytes_[size_t{entry} * line_bytes]);
    memory_side->b_transport(memory_transaction_, delay);
  }

  void write_back(uint32_t entry, sc_core::sc_time& delay) {
    access_->version = versions_[entry];
    memory_access(tlm::TLM_WRITE_COMMAND, tags_[entry], entry, delay);
    dirty_[entry] = false;
    write_backs_++;
    delay += latency_.line_transfer;
  }

  uint32_t fill(uint32_t line, sc_core::sc_time& delay) {
    const uint32_t entry = victim(line);
    if (tags_[entry] != no_line && dirty_[entry]) write_back(entry, delay);
    memory_access(tlm::TLM_READ_COMMAND, line, entry, delay);
    tags_[entry] = line;
    dirty_[entry] = false;
    versions_[entry] = access_->version;
    delay += latency_.cache_miss;
    return entry;
  }

  void drop(uint32_t entry) {
    tags_[entry] = no_line;
    dirty_[entry] = false;
  }

  void maintain_entry(uint32_t entry, Maintenance operation, sc_core::sc_time& delay) {
    if (operation.cleans && dirty_[entry]) write_back(entry, delay);
    if (operation.invalidates) drop(entry);
  }

  /// One line, read or written by the CPU.
  void cpu_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
    const uint32_t line = static_cast<uint32_t>(transaction.get_address() / line_bytes);
    uint32_t entry = find(line);
    if (entry == no_entry) entry = fill(line, delay);
    else delay += latency_.cache_hit;
    ages_[entry] = ++clock_;
    uint8_t* bytes = &bytes_[size_t{entry} * line_bytes];
    if (transaction.is_write()) {
      if (holds_data_) std::memcpy(bytes, transaction.get_data_ptr(), line_bytes);
      dirty_[entry] = true;
      versions_[entry] = Access::of(transaction).version;
      scoreboard_.wrote(line, versions_[entry]);
    } else {
      if (holds_data_) std::memcpy(transaction.get_data_ptr(), bytes, line_bytes);
      scoreboard_.observed(line, versions_[entry]);
    }
    transaction.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  /// A burst of whole lines of an I/O-coherent master: a write drops the lines, a read sees them before memory.
  void snoop_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
    const uint32_t first = static_cast<uint32_t>(transaction.get_address() / line_bytes);
    const uint32_t lines = (transaction.get_data_length() + line_bytes - 1) / line_bytes;
    if (transaction.is_write()) {
      for (uint32_t line = first; line < first + lines; line++) {
        const uint32_t entry = find(line);
        if (entry != no_entry) drop(entry);
      }
      memory_side->b_transport(transaction, delay);
      return;
    }
    const size_t mark = scoreboard_.mark();
    memory_side->b_transport(transaction, delay);
    for (uint32_t line = first; line < first + lines; line++) {
      const uint32_t entry = find(line);
      if (entry == no_entry) continue;
      scoreboard_.overruled(mark, line, versions_[entry]);
      if (holds_data_) {
        uint8_t* destination = transaction.get_data_ptr() + size_t{line - first} * line_bytes;
        std::memcpy(destination, &bytes_[size_t{entry} * line_bytes], line_bytes);
      }
    }
  }

  std::vector<uint32_t> tags_, ages_, versions_;
  std::vector<uint8_t> dirty_;
  const bool holds_data_;
  std::vector<uint8_t> bytes_;
  tlm::tlm_generic_payload memory_transaction_;
  Access* access_;
  Scoreboard& scoreboard_;
  uint32_t clock_ = 0;
  uint64_t write_backs_ = 0;
  const Latency latency_;
};
