// SPDX-License-Identifier: MIT
// An SMMU with 4 KiB pages, a four-level table and, for each stream, a direct-mapped translation buffer of 512 entries.
// A transaction must not cross a page.
#pragma once
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

#include "../frame-pipeline.h"
#include "access.h"

class Smmu : public sc_core::sc_module {
 public:
  tlm_utils::multi_passthrough_target_socket<Smmu> masters{"masters"};
  tlm_utils::simple_initiator_socket<Smmu> downstream{"downstream"};

  Smmu(sc_core::sc_module_name name, uint32_t streams)
      : sc_module(name), tables_(table_entries), translations_(streams * tlb_entries) {
    masters.register_b_transport(this, &Smmu::b_transport);
  }

  void map_page(uint64_t iova, uint64_t physical) {
    size_t table = 0;
    for (int level = 0; level < 3; level++) {
      const size_t slot = table + table_index(iova, level);
      if (tables_[slot] == 0) {
        tables_[slot] = tables_.size() * page_bytes | valid;
        tables_.resize(tables_.size() + table_entries);
      }
      table = tables_[slot] / page_bytes;
    }
    tables_[table + table_index(iova, 3)] = physical | valid;
  }

  uint64_t misses() const { return misses_; }

 private:
  static constexpr uint32_t table_entries = 512;
  static constexpr uint32_t tlb_entries = 512;
  static constexpr uint64_t valid = 1;

  struct Translation {
    uint64_t page = ~uint64_t{0};
    uint64_t physical = 0;
  };

  static size_t table_index(uint64_t iova, int level) { return (iova >> (39 - 9 * level)) % table_entries; }

  /// The leaf descriptor, or 0. A table descriptor holds the table's index in `tables_` where hardware has its address.
  uint64_t walk(uint64_t iova) const {
    size_t table = 0;
    for (int level = 0; level < 3; level++) {
      const uint64_t descriptor = tables_[table + table_index(iova, level)];
      if ((descriptor & valid) == 0) return 0;
      table = descriptor / page_bytes;
    }
    return tables_[table + table_index(iova, 3)];
  }

  void b_transport(int, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
    const uint64_t iova = transaction.get_address();
    const uint64_t page = iova / page_bytes;
    Translation& cached = translations_[Access::of(transaction).stream * tlb_entries + page % tlb_entries];
    if (cached.page != page) {
      const uint64_t descriptor = walk(iova);
      if ((descriptor & valid) == 0) {
        transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return;
      }
      cached.page = page;
      cached.physical = descriptor / page_bytes * page_bytes;
      misses_++;
      delay += latency_.table_walk;
    }
    transaction.set_address(cached.physical | iova % page_bytes);
    downstream->b_transport(transaction, delay);
    transaction.set_address(iova);
  }

  std::vector<uint64_t> tables_;
  std::vector<Translation> translations_;
  uint64_t misses_ = 0;
  const Latency latency_;
};
