// SPDX-License-Identifier: MIT
// Marsaglia's 32-bit xorshift: the same numbers here and in bench/xorshift.mjs.
#pragma once
#include <cstdint>

class Xorshift {
 public:
  explicit Xorshift(uint32_t seed) : state_(seed) {}

  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }

 private:
  uint32_t state_;
};
