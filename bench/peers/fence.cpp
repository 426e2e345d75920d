// SPDX-License-Identifier: MIT
// Peer of core's FencePool: fences as the kernel makes them, each fence and each callback from malloc, the callbacks in
// an intrusive circular list. Makes all, adds a callback to each, signals each, frees all; seven times, the median of
// the last three of which counts, when the heap has its size. Prints one JSON object on one line.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "arguments.h"
#include "cpu-clock.h"

struct Fence;

struct Callback {
  Callback* next = this;
  Callback* previous = this;
  void (*function)(Fence&, Callback&) = nullptr;
  uint32_t data = 0;
};

struct Fence {
  void* lock = nullptr;
  void* ops = nullptr;
  /// The list's head; its function is not used.
  Callback callbacks;
  uint64_t context = 0;
  uint64_t seqno = 0;
  uint32_t flags = 0;
  uint32_t references = 1;
  int error = 0;

  static constexpr uint32_t signaled = 1;

  void add(Callback& callback) {
    callback.previous = callbacks.previous;
    callback.next = &callbacks;
    callbacks.previous->next = &callback;
    callbacks.previous = &callback;
  }

  void signal() {
    flags |= signaled;
    for (Callback* callback = callbacks.next; callback != &callbacks;) {
      Callback* next = callback->next;
      callback->function(*this, *callback);
      callback = next;
    }
    callbacks.next = callbacks.previous = &callbacks;
  }
};

static uint64_t checksum;

static void note(Fence& fence, Callback& callback) {
  checksum += uint64_t{callback.data} * 3 + fence.seqno;
}

struct Result {
  double cpu_ms;
  uint64_t checksum;
};

static void live(uint32_t count) {
  checksum = 0;
  std::vector<std::unique_ptr<Fence>> fences(count);
  std::vector<std::unique_ptr<Callback>> callbacks(count);
  for (uint32_t i = 0; i < count; i++) {
    fences[i] = std::make_unique<Fence>();
    fences[i]->context = 1;
    fences[i]->seqno = i;
  }
  for (uint32_t i = 0; i < count; i++) {
    callbacks[i] = std::make_unique<Callback>();
    callbacks[i]->function = note;
    callbacks[i]->data = i;
    fences[i]->add(*callbacks[i]);
  }
  for (uint32_t i = 0; i < count; i++) fences[i]->signal();
}

int main(int count, char** words) {
  const Arguments arguments(count, words, {{"fences", "1000000"}});
  const uint32_t fences = arguments.number("fences");
  std::array<Result, 3> results;
  for (int i = -4; i < 3; i++) {
    const double started = cpu_ms();
    live(fences);
    if (i >= 0) results[i] = {cpu_ms() - started, checksum};
  }
  std::sort(results.begin(), results.end(), [](const Result& a, const Result& b) { return a.cpu_ms < b.cpu_ms; });
  const Result& median = results[1];
  std::printf("{\"program\":\"fence\",\"fences\":%u,\"cpu_ms\":%.3f,\"checksum\":%llu}\n", fences, median.cpu_ms,
              static_cast<unsigned long long>(median.checksum));
  return 0;
}
