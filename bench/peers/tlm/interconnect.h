// SPDX-License-Identifier: MIT
// Joins the SMMU and the CPU's cache to memory. A transaction that snoops goes through the cache's snoop port, which
// sends it on to memory itself.
#pragma once
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>

#include "access.h"

class Interconnect : public sc_core::sc_module {
 public:
  tlm_utils::multi_passthrough_target_socket<Interconnect> masters{"masters"};
  tlm_utils::simple_initiator_socket<Interconnect> memory{"memory"};
  tlm_utils::simple_initiator_socket<Interconnect> snoop{"snoop"};

  explicit Interconnect(sc_core::sc_module_name name) : sc_module(name) {
    masters.register_b_transport(this, &Interconnect::b_transport);
  }

 private:
  void b_transport(int, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
    Access& access = Access::of(transaction);
    if (!access.snoops) {
      memory->b_transport(transaction, delay);
      return;
    }
    access.snoops = false;  // so that it passes when it comes back from the snoop port
    snoop->b_transport(transaction, delay);
    access.snoops = true;
  }
};
