// SPDX-License-Identifier: MIT
// DRAM: a version for every line, and the bytes when data is modelled. A burst of any length is one transaction; its
// lines are checked here, in one tight loop, which is what makes page bursts fast.
#pragma once
#include <cstring>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

#include "../frame-pipeline.h"
#include "access.h"
#include "scoreboard.h"

class Memory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<Memory> socket{"socket"};

  Memory(sc_core::sc_module_name name, uint32_t pages, bool holds_data, Scoreboard& scoreboard)
      : sc_module(name),
        size_(uint64_t{pages} * page_bytes),
        versions_(size_ / line_bytes),
        bytes_(holds_data ? size_ : 0),
        scoreboard_(scoreboard) {
    socket.register_b_transport(this, &Memory::b_transport);
  }

 private:
  void b_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
    const uint64_t address = transaction.get_address();
    const uint32_t length = transaction.get_data_length();
    if (address + length > size_) {
      transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    Access& access = Access::of(transaction);
    const uint32_t first = static_cast<uint32_t>(address / line_bytes);
    const uint32_t lines = (length + line_bytes - 1) / line_bytes;
    if (transaction.is_write()) {
      if (!bytes_.empty()) std::memcpy(&bytes_[address], transaction.get_data_ptr(), length);
      for (uint32_t line = first; line < first + lines; line++) versions_[line] = access.version;
      // The CPU's cache made its write known when it took it; a write-back brings nothing newer.
      if (!access.from_cache) {
        for (uint32_t line = first; line < first + lines; line++) scoreboard_.wrote(line, access.version);
      }
    } else {
      if (!bytes_.empty()) std::memcpy(transaction.get_data_ptr(), &bytes_[address], length);
      if (access.from_cache) access.version = versions_[first];
      else scoreboard_.observed(first, &versions_[first], lines);
    }
    if (!access.from_cache) delay += latency_.line_transfer * lines;
    transaction.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  const uint64_t size_;
  std::vector<uint32_t> versions_;
  std::vector<uint8_t> bytes_;
  Scoreboard& scoreboard_;
  const Latency latency_;
};
