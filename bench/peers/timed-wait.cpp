// SPDX-License-Identifier: MIT
// SystemC threads that sleep for drawn times: timed-wait [--threads N] [--waits N], waits of all threads together.
#include <cstdio>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "arguments.h"
#include "cpu-clock.h"
#include "xorshift.h"

static uint64_t checksum;

class Sleeper : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Sleeper);

  Sleeper(const sc_core::sc_module_name& name, uint32_t index, uint32_t waits)
      : sc_module(name), index_(index), waits_(waits), random_(index + 1) {
    SC_THREAD(run);
  }

 private:
  void run() {
    for (uint32_t i = 0; i < waits_; i++) {
      wait(sc_core::sc_time(1 + (random_.next() & 4095), sc_core::SC_NS));
      checksum += sc_core::sc_time_stamp().value() / 1000 * (1 + (index_ & 15));
    }
  }

  const uint32_t index_;
  const uint32_t waits_;
  Xorshift random_;
};

int sc_main(int count, char** words) {
  const Arguments arguments(count, words, {{"threads", "256"}, {"waits", "2000000"}});
  const uint32_t threads = arguments.number("threads");
  const uint32_t waits = arguments.number("waits") / threads;
  std::vector<std::unique_ptr<Sleeper>> sleepers;
  for (uint32_t i = 0; i < threads; i++) {
    sleepers.push_back(std::make_unique<Sleeper>(("sleeper" + std::to_string(i)).c_str(), i, waits));
  }
  const double started = cpu_ms();
  sc_core::sc_start();
  std::printf("{\"program\":\"timed-wait\",\"waits\":%u,\"cpu_ms\":%.3f,\"checksum\":%llu}\n", waits * threads,
              cpu_ms() - started, static_cast<unsigned long long>(checksum));
  return 0;
}
