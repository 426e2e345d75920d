// SPDX-License-Identifier: MIT
// CPU time of this process in milliseconds: what every peer reports. Wall time would measure the other jobs of the
// machine as well.
#pragma once
#include <ctime>

inline double cpu_ms() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1e3 + time.tv_nsec * 1e-6;
}
