// SPDX-License-Identifier: MIT
// Peer of core's IntervalMap: boost::icl::interval_map under random range updates, three times, the median of which
// counts. Prints one JSON object on one line.
#include <algorithm>
#include <array>
#include <boost/icl/interval_map.hpp>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "arguments.h"
#include "cpu-clock.h"
#include "xorshift.h"

using Interval = boost::icl::interval<uint32_t>;
// The partial enricher keeps intervals whose value is the type's zero, as a map of states must.
using Map = boost::icl::interval_map<uint32_t, uint32_t, boost::icl::partial_enricher>;

struct Update {
  uint32_t start, end, value;
};

struct Result {
  double cpu_ms;
  uint64_t checksum;
  size_t intervals;
};

static std::vector<Update> draw_updates(uint32_t count, uint32_t space) {
  std::vector<Update> updates(count);
  Xorshift random(42);
  for (Update& update : updates) {
    update.start = random.next() % space;
    update.end = std::min(update.start + 1 + random.next() % 256, space);
    update.value = random.next() % 4;
  }
  return updates;
}

static Result run(const std::vector<Update>& updates, uint32_t space) {
  const double started = cpu_ms();
  Map map;
  map.set({Interval::right_open(0, space), 0u});
  for (const auto& [start, end, value] : updates) map.set({Interval::right_open(start, end), value});
  uint64_t checksum = 0;
  for (const auto& [interval, value] : map) checksum += uint64_t{interval.upper() - interval.lower()} * value;
  return {cpu_ms() - started, checksum, map.iterative_size()};
}

int main(int count, char** words) {
  const Arguments arguments(count, words, {{"updates", "200000"}, {"space", "1048576"}});
  const uint32_t space = arguments.number("space");
  if (space == 0 || (space & (space - 1)) != 0) Arguments::fail("--space", "is a power of two");
  const std::vector<Update> updates = draw_updates(arguments.number("updates"), space);

  std::array<Result, 3> results;
  for (Result& result : results) result = run(updates, space);
  std::sort(results.begin(), results.end(), [](const Result& a, const Result& b) { return a.cpu_ms < b.cpu_ms; });
  const Result& median = results[1];
  std::printf("{\"program\":\"interval-map\",\"updates\":%zu,\"cpu_ms\":%.3f,\"checksum\":%llu,\"intervals\":%zu}\n",
              updates.size(), median.cpu_ms, static_cast<unsigned long long>(median.checksum), median.intervals);
  return 0;
}
