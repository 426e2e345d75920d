// SPDX-License-Identifier: MIT
// Peer of core's page tables: a radix tree of four levels with 512 descriptors of 8 bytes each, in one array that grows. A
// million pages are mapped one by one, translated at random and line after line, and unmapped. Three runs, the median of which
// counts for each. Prints one JSON object on one line.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "arguments.h"
#include "cpu-clock.h"
#include "xorshift.h"

constexpr uint64_t base = 0x8000000000;
constexpr uint64_t memory = 0x800000000;
constexpr uint64_t page_bytes = 4096;
constexpr uint64_t line_bytes = 64;
constexpr uint64_t address_bits = 0x0000fffffffff000;
/// A page that is accessed, inner shareable, index 1, readable and writable; a table is bits 0 and 1 alone.
constexpr uint64_t page_flags = 0x747;
constexpr uint64_t table_flags = 3;
constexpr uint32_t entries = 512;

class PageTable {
 public:
  PageTable() : descriptors_(entries, 0) {}

  void map(uint64_t address, uint64_t physical) { *descriptor<true>(address) = physical | page_flags; }

  /// 0 where nothing is mapped.
  uint64_t translate(uint64_t address) {
    const uint64_t* found = descriptor<false>(address);
    if (found == nullptr || (*found & 1) == 0) return 0;
    return (*found & address_bits) | (address & (page_bytes - 1));
  }

  void unmap(uint64_t address) {
    uint64_t* found = descriptor<false>(address);
    if (found != nullptr) *found = 0;
  }

  size_t bytes() const { return descriptors_.size() * sizeof(uint64_t); }

 private:
  /// The descriptor of the last level. A table is named by its number, which stands where its address would.
  template <bool make>
  uint64_t* descriptor(uint64_t address) {
    uint64_t table = 0;
    for (int shift = 39; shift > 12; shift -= 9) {
      const uint64_t place = table * entries + ((address >> shift) & (entries - 1));
      if (descriptors_[place] == 0) {
        if (!make) return nullptr;
        table = descriptors_.size() / entries;
        descriptors_[place] = table * page_bytes | table_flags;
        descriptors_.resize(descriptors_.size() + entries, 0);
      } else {
        table = (descriptors_[place] & address_bits) / page_bytes;
      }
    }
    return &descriptors_[table * entries + ((address >> 12) & (entries - 1))];
  }

  std::vector<uint64_t> descriptors_;
};

/// Scattered: each page lies somewhere else.
static uint64_t physical_of(uint32_t page) {
  return memory + static_cast<uint64_t>(page * 2654435761u & 0xffffff) * page_bytes;
}

struct Times {
  double map, random, sequence, unmap;
  uint32_t random_sum, sequence_sum, left;
  size_t bytes;
};

template <typename Work>
static double timed(Work work) {
  const double started = cpu_ms();
  work();
  return cpu_ms() - started;
}

static Times run(uint32_t pages, uint32_t translations) {
  Times times{};
  PageTable table;
  times.map = timed([&] {
    for (uint32_t page = 0; page < pages; page++) table.map(base + page * page_bytes, physical_of(page));
  });
  times.bytes = table.bytes();
  times.random = timed([&] {
    Xorshift random(5);
    for (uint32_t i = 0; i < translations; i++) {
      const uint64_t page = random.next() & (pages - 1);
      times.random_sum += static_cast<uint32_t>(table.translate(base + page * page_bytes + (i & 0xfff)));
    }
  });
  times.sequence = timed([&] {
    const uint64_t end = base + pages * page_bytes;
    for (uint64_t address = base; address < end; address += line_bytes)
      times.sequence_sum += static_cast<uint32_t>(table.translate(address));
  });
  times.unmap = timed([&] {
    for (uint32_t page = 0; page < pages; page++) table.unmap(base + page * page_bytes);
  });
  for (uint32_t page = 0; page < pages; page++) times.left += table.translate(base + page * page_bytes) != 0;
  return times;
}

template <typename Value>
static double median(std::array<Times, 3>& runs, Value value) {
  std::array<double, 3> values{value(runs[0]), value(runs[1]), value(runs[2])};
  std::sort(values.begin(), values.end());
  return values[1];
}

int main(int count, char** words) {
  const Arguments arguments(count, words, {{"pages", "1048576"}, {"translations", "2000000"}});
  std::array<Times, 3> runs;
  for (Times& each : runs) each = run(arguments.number("pages"), arguments.number("translations"));
  const Times& last = runs[2];
  std::printf(
      "{\"program\":\"page-table\",\"map_ms\":%.3f,\"random_ms\":%.3f,\"sequence_ms\":%.3f,\"unmap_ms\":%.3f,"
      "\"random_sum\":%u,\"sequence_sum\":%u,\"left\":%u,\"bytes\":%zu}\n",
      median(runs, [](const Times& t) { return t.map; }), median(runs, [](const Times& t) { return t.random; }),
      median(runs, [](const Times& t) { return t.sequence; }), median(runs, [](const Times& t) { return t.unmap; }),
      last.random_sum, last.sequence_sum, last.left, last.bytes);
  return 0;
}
