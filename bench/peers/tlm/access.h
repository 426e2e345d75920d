// SPDX-License-Identifier: MIT
// What a transaction carries beside the generic payload, and the annotated latencies of the model.
#pragma once
#include <cstdint>
#include <systemc>
#include <tlm>

/// Sideband of the bus, as AxCACHE and the StreamID are on AXI.
struct Access : tlm::tlm_extension<Access> {
  /// Who accesses: selects the SMMU's translation buffer.
  uint32_t stream = 0;
  /// Version that a write stores, or that a fill of a cache line found in memory.
  uint32_t version = 0;
  /// The master is I/O-coherent: the interconnect asks the CPU's cache.
  bool snoops = false;
  /// A fill or write-back of the CPU's cache, which observes nothing and takes its time itself.
  bool from_cache = false;

  tlm::tlm_extension_base* clone() const override { return new Access(*this); }
  void copy_from(const tlm::tlm_extension_base& other) override { *this = static_cast<const Access&>(other); }

  static Access& of(const tlm::tlm_generic_payload& transaction) {
    Access* access = nullptr;
    transaction.get_extension(access);
    return *access;
  }
};

struct Latency {
  sc_core::sc_time line_transfer{4, sc_core::SC_NS};
  sc_core::sc_time table_walk{40, sc_core::SC_NS};
  sc_core::sc_time cache_hit{2, sc_core::SC_NS};
  sc_core::sc_time cache_miss{60, sc_core::SC_NS};
  sc_core::sc_time maintenance{1, sc_core::SC_NS};
};
