// SPDX-License-Identifier: MIT
// Peer of core's allocators of I/O virtual addresses: Linux's policy on a red-black tree, std::map. Beginning at the range
// it handed out last it walks down from range to range until a gap is large enough. Three runs, the median of which
// counts. Prints one JSON object on one line.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <vector>

#include "arguments.h"
#include "cpu-clock.h"
#include "xorshift.h"

static uint32_t round_up_power_of_two(uint32_t value) {
  uint32_t power = 1;
  while (power < value) power *= 2;
  return power;
}

/// Page frames from 1 up to a limit; 0 says that there is no place.
class IovaTree {
 public:
  explicit IovaTree(uint32_t limit) : limit_(limit) {
    ranges_.emplace(0, 0);
    cached_ = ranges_.emplace(kSentinel, kSentinel).first;
  }

  uint32_t allocate(uint32_t size) {
    const uint32_t from = cached_->second;
    const uint32_t first = walk_down(cached_, 1, size);
    if (first != 0 || from >= limit_) return first;
    return walk_down(std::prev(ranges_.end()), from + 1, size);
  }

  void free(uint32_t first) {
    const auto range = ranges_.find(first);
    if (first >= cached_->first) cached_ = std::next(range);
    ranges_.erase(range);
  }

 private:
  using Ranges = std::map<uint32_t, uint32_t>;
  static constexpr uint32_t kSentinel = UINT32_MAX;

  /// The first gap below `range` that holds the block, aligned to its size rounded up, at `lowest` or above.
  uint32_t walk_down(Ranges::iterator range, uint32_t lowest, uint32_t size) {
    const uint32_t mask = ~(round_up_power_of_two(size) - 1);
    uint32_t top = limit_;
    for (;;) {
      top = std::min(top, range->first);
      if (top < size) return 0;
      const uint32_t first = (top - size) & mask;
      if (first < lowest) return 0;
      const auto below = std::prev(range);
      if (first > below->second) {
        cached_ = ranges_.emplace_hint(range, first, first + size - 1);
        return first;
      }
      range = below;
    }
  }

  const uint32_t limit_;
  Ranges ranges_;
  Ranges::iterator cached_;
};

struct Result {
  double cpu_ms;
  uint64_t checksum;
  uint32_t failures;
};

/// Allocates and frees at random, at most `live` ranges of 1 to 1024 frames at a time.
static Result run(uint32_t operations, uint32_t live, uint32_t space) {
  std::vector<uint32_t> ranges;
  ranges.reserve(live);
  Xorshift random(12345);
  uint64_t checksum = 0;
  uint32_t failures = 0;
  const double started = cpu_ms();
  IovaTree tree(space);
  for (uint32_t i = 0; i < operations; i++) {
    const uint32_t draw = random.next();
    if (ranges.size() < live && (ranges.size() < live / 2 || (draw & 1))) {
      uint32_t size = 1 + (random.next() & 1023);
      // As the range caches want it.
      if (size < 32) size = round_up_power_of_two(size);
      const uint32_t first = tree.allocate(size);
      if (first == 0) {
        failures++;
        continue;
      }
      ranges.push_back(first);
      checksum = (checksum * 31 + first) & 0xffffffff;
    } else {
      const uint32_t index = (random.next() >> 1) % ranges.size();
      tree.free(ranges[index]);
      ranges[index] = ranges.back();
      ranges.pop_back();
    }
  }
  return {cpu_ms() - started, checksum, failures};
}

int main(int count, char** words) {
  const Arguments arguments(count, words, {{"operations", "1000000"}, {"live", "20000"}, {"space", "16777216"}});
  std::array<Result, 3> results;
  for (Result& result : results)
    result = run(arguments.number("operations"), arguments.number("live"), arguments.number("space"));
  std::sort(results.begin(), results.end(), [](const Result& a, const Result& b) { return a.cpu_ms < b.cpu_ms; });
  const Result& median = results[1];
  std::printf("{\"program\":\"iova\",\"cpu_ms\":%.3f,\"checksum\":%llu,\"failures\":%u}\n", median.cpu_ms,
              static_cast<unsigned long long>(median.checksum), median.failures);
  return 0;
}
