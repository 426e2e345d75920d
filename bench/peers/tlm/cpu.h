// SPDX-License-Identifier: MIT
// The CPU: reads and writes single lines by physical address through its cache.
#pragma once
#include <tlm_utils/simple_initiator_socket.h>

#include <array>

#include "../frame-pipeline.h"
#include "access.h"

class Cpu : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Cpu> socket{"socket"};

  explicit Cpu(sc_core::sc_module_name name) : sc_module(name), access_(new Access) {
    overlay_.fill(FramePipeline::overlay_byte);
    transaction_.set_extension(access_);  // the payload owns it from here
    transaction_.set_data_length(line_bytes);
    transaction_.set_streaming_width(line_bytes);
    transaction_.set_byte_enable_ptr(nullptr);
  }

  void read(uint32_t line, sc_core::sc_time& delay) { access(tlm::TLM_READ_COMMAND, line, sampled_.data(), delay); }

  void write(uint32_t line, uint32_t version, sc_core::sc_time& delay) {
    access_->version = version;
    access(tlm::TLM_WRITE_COMMAND, line, overlay_.data(), delay);
  }

 private:
  void access(tlm::tlm_command command, uint32_t line, uint8_t* bytes, sc_core::sc_time& delay) {
    transaction_.set_command(command);
    transaction_.set_address(uint64_t{line} * line_bytes);
    transaction_.set_data_ptr(bytes);
    socket->b_transport(transaction_, delay);
  }

  std::array<uint8_t, line_bytes> sampled_{}, overlay_{};
  tlm::tlm_generic_payload transaction_;
  Access* access_;
};
