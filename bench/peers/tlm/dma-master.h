// SPDX-License-Identifier: MIT
// A device's DMA engine: moves a range in bursts through the SMMU. It keeps no private cache.
//
// No DMI: with direct pointers the checks in memory and cache would not see the accesses, and this model exists to
// check. The payload is reused and time is decoupled up to a quantum, as loosely-timed models do.
#pragma once
#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>

#include "access.h"

class DmaMaster : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<DmaMaster> socket{"socket"};

  DmaMaster(sc_core::sc_module_name name, uint32_t stream, uint32_t burst)
      : sc_module(name), burst_(burst), access_(new Access) {
    access_->stream = stream;
    transaction_.set_extension(access_);  // the payload owns it from here
    transaction_.set_byte_enable_ptr(nullptr);
    transaction_.set_dmi_allowed(false);
  }

  void write(uint64_t iova, uint8_t* bytes, uint32_t length, uint32_t version, bool snoops, sc_core::sc_time& delay) {
    access_->version = version;
    transfer(tlm::TLM_WRITE_COMMAND, iova, bytes, length, snoops, delay);
  }

  void read(uint64_t iova, uint8_t* bytes, uint32_t length, bool snoops, sc_core::sc_time& delay) {
    transfer(tlm::TLM_READ_COMMAND, iova, bytes, length, snoops, delay);
  }

 private:
  void transfer(tlm::tlm_command command, uint64_t iova, uint8_t* bytes, uint32_t length, bool snoops,
                sc_core::sc_time& delay) {
    access_->snoops = snoops;
    transaction_.set_command(command);
    for (uint32_t offset = 0; offset < length; offset += burst_) {
      const uint32_t size = std::min(burst_, length - offset);
      transaction_.set_address(iova + offset);
      transaction_.set_data_ptr(bytes + offset);
      transaction_.set_data_length(size);
      transaction_.set_streaming_width(size);
      transaction_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
      socket->b_transport(transaction_, delay);
      if (transaction_.is_response_error()) SC_REPORT_FATAL(name(), "a transfer failed");
      if (delay > quantum_) {
        sc_core::wait(delay);
        delay = sc_core::SC_ZERO_TIME;
      }
    }
  }

  const uint32_t burst_;
  const sc_core::sc_time quantum_{100, sc_core::SC_US};
  tlm::tlm_generic_payload transaction_;
  Access* access_;
};
