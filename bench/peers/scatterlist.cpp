// SPDX-License-Identifier: MIT
// Peer of core's scatterlists: an array of entries, filled from a list of pages in two passes, first counting the runs
// and then filling them in, and then laid out and joined in a range of I/O virtual addresses, in place. With
// `--reuse 1` the array is made once and used again. Prints one JSON object on one line.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "arguments.h"
#include "cpu-clock.h"
#include "xorshift.h"

constexpr uint32_t page_bytes = 4096;
/// As many whole pages as an entry's 32 bits of length express.
constexpr uint32_t most_pages = 0xfffff;
constexpr uint64_t iova = 0x100000000;
constexpr uint32_t longest = 0x10000;
constexpr uint64_t boundary = 0xffffffff;

struct Entry {
  uint64_t page;
  uint32_t offset;
  uint32_t length;
  uint64_t dma_address;
  uint32_t dma_length;
  uint32_t flags;
};

/// The same page frame numbers as bench/workload/scatterlist.mjs draws.
static std::vector<uint32_t> draw_pages(uint32_t count, const std::string& shape) {
  std::vector<uint32_t> frames(count);
  Xorshift random(777);
  for (uint32_t i = 0, frame = 0; i < count; i++) {
    const uint32_t drawn = random.next();
    const bool jumps = i == 0 || shape == "scattered" || (shape == "runs" && drawn % 8 == 0);
    frame = jumps ? random.next() & 0xffffff : frame + 1;
    frames[i] = frame;
  }
  return frames;
}

/// An array of entries whose memory is not touched before they are.
struct Entries {
  Entry* data = nullptr;

  ~Entries() { std::free(data); }
  void make(size_t count) {
    std::free(data);
    data = static_cast<Entry*>(std::malloc(count * sizeof(Entry)));
  }
  Entry& operator[](size_t i) const { return data[i]; }
};

static uint32_t build(const std::vector<uint32_t>& frames, Entries& entries, bool reuse) {
  const uint32_t count = frames.size();
  uint32_t runs = 1;
  for (uint32_t i = 1, length = 1; i < count; i++, length++) {
    if (frames[i] == frames[i - 1] + 1 && length < most_pages) continue;
    runs++;
    length = 0;
  }
  asm volatile("" : : "g"(runs) : "memory");
  if (!reuse) entries.make(runs);
  uint32_t first = 0;
  for (uint32_t run = 0; run < runs; run++) {
    uint32_t end = first + 1;
    while (end < count && frames[end] == frames[end - 1] + 1 && end - first < most_pages) end++;
    const uint32_t last = run == runs - 1 ? 2 : 0;
    entries[run] = {frames[first], 0, (end - first) * page_bytes, 0, 0, last};
    first = end;
  }
  asm volatile("" : : "g"(entries.data) : "memory");
  return runs;
}

static uint32_t offset_in_granule(const Entry& entry) { return entry.offset & (page_bytes - 1); }

static uint64_t whole_granules(const Entry& entry) {
  const uint64_t end = uint64_t{offset_in_granule(entry)} + entry.length;
  return (end + page_bytes - 1) / page_bytes * page_bytes;
}

/// Places the entries, each place in the entry's DMA address, and gives what the range needs.
static uint64_t place(Entries& entries, uint32_t count) {
  uint64_t at = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint64_t needed = whole_granules(entries[i]);
    const uint64_t past_boundary = at & boundary;
    if (past_boundary != 0 && past_boundary + needed > boundary + 1) at += boundary + 1 - past_boundary;
    entries[i].dma_address = at;
    at += needed;
  }
  return at;
}

/// Makes segments of the placed entries, in the same array: a segment's number is never higher than its entries'.
static uint32_t join(Entries& entries, uint32_t count) {
  const uint64_t total = place(entries, count);
  asm volatile("" : : "g"(total) : "memory");
  uint32_t segments = 0;
  bool open = false;
  for (uint32_t i = 0; i < count; i++) {
    const Entry& entry = entries[i];
    const uint32_t offset = offset_in_granule(entry);
    const uint64_t start = entry.dma_address;
    const uint64_t end = i + 1 < count ? entries[i + 1].dma_address : total;
    Entry* last = segments > 0 ? &entries[segments - 1] : nullptr;
    const bool joins = open && offset == 0 && ((iova + start) & boundary) != 0 &&
                       entry.length <= longest - last->dma_length;
    if (joins) {
      last->dma_length += entry.length;
    } else {
      last = &entries[segments++];
      last->dma_address = iova + start + offset;
      last->dma_length = entry.length;
    }
    open = start + offset + entry.length == end;
  }
  for (uint32_t i = segments; i < count; i++) {
    entries[i].dma_address = ~uint64_t{0};
    entries[i].dma_length = 0;
  }
  asm volatile("" : : "g"(entries.data) : "memory");
  return segments;
}

int main(int count, char** words) {
  const Arguments arguments(
      count, words,
      {{"pages", "1048576"}, {"shape", "runs"}, {"times", "10"}, {"work", "build"}, {"reuse", "0"}});
  const auto frames = draw_pages(arguments.number("pages"), arguments.text("shape"));
  const uint32_t times = arguments.number("times");
  const bool joins = arguments.text("work") == "join";
  const bool reuse = arguments.number("reuse") != 0;
  Entries entries;
  entries.make(frames.size());
  std::array<double, 3> measured;
  uint32_t built = build(frames, entries, reuse);
  uint32_t segments = 0;
  for (double& time : measured) {
    const double started = cpu_ms();
    for (uint32_t i = 0; i < times; i++) {
      if (joins) segments = join(entries, built);
      else built = build(frames, entries, reuse);
    }
    time = (cpu_ms() - started) / times;
  }
  std::sort(measured.begin(), measured.end());
  uint64_t checksum = 0;
  for (uint32_t i = 0; i < built; i++) checksum += entries[i].page % 1000 + entries[i].length / page_bytes;
  for (uint32_t i = 0; i < segments; i++)
    checksum += entries[i].dma_address / page_bytes % 1000 + entries[i].dma_length / page_bytes;
  std::printf("{\"program\":\"scatterlist\",\"cpu_ms\":%.3f,\"entries\":%u,\"segments\":%u,\"checksum\":%llu}\n",
              measured[1], built, segments, static_cast<unsigned long long>(checksum));
  return 0;
}
