// SPDX-License-Identifier: MIT
// The golden reference: the newest version of every physical line, and the reads that did not see it. Versions stand
// for contents, so that staleness is decided without comparing bytes. It belongs to no hardware block and takes no
// simulated time.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

class Scoreboard {
 public:
  /// A run of adjacent physical lines that one reader saw stale.
  struct StaleRun {
    uint32_t frame, reader, first_line, lines;
  };

  explicit Scoreboard(uint32_t lines) : newest_(lines, 0) {}

  /// A new value for the whole frame or overlay that is about to be written.
  uint32_t next_version() { return ++version_; }

  void wrote(uint32_t line, uint32_t version) { newest_[line] = version; }
  bool is_stale(uint32_t line, uint32_t version) const { return newest_[line] != version; }

  /// Counts first, without a branch a line, because memory asks this for every line of every burst.
  void observed(uint32_t first_line, const uint32_t* versions, uint32_t lines) {
    uint32_t stale = 0;
    for (uint32_t i = 0; i < lines; i++) stale += versions[i] != newest_[first_line + i];
    if (stale == 0) return;
    for (uint32_t i = 0; i < lines; i++) observed(first_line + i, versions[i]);
  }
  void observed(uint32_t line, uint32_t version) {
    if (is_stale(line, version)) stale_lines_.push_back(line);
  }

  /// A snooped cache answered for this line after memory had: what memory said, since `mark`, does not count.
  void overruled(size_t mark, uint32_t line, uint32_t version) {
    stale_lines_.erase(std::remove(stale_lines_.begin() + mark, stale_lines_.end(), line), stale_lines_.end());
    observed(line, version);
  }
  size_t mark() const { return stale_lines_.size(); }

  /// Ends one reader's pass over one frame: keeps its stale lines as runs, and adds their number to the checksum.
  void end_pass(uint32_t frame, uint32_t reader) {
    std::sort(stale_lines_.begin(), stale_lines_.end());
    for (const uint32_t line : stale_lines_) {
      if (!runs_.empty() && runs_.back().frame == frame && runs_.back().reader == reader &&
          runs_.back().first_line + runs_.back().lines == line) {
        runs_.back().lines++;
      } else {
        runs_.push_back({frame, reader, line, 1});
      }
    }
    stale_count_ += stale_lines_.size();
    checksum_ = (checksum_ * 31 + stale_lines_.size() * 7 + reader + frame) % 1000000007ull;
    stale_lines_.clear();
  }

  const std::vector<StaleRun>& stale_runs() const { return runs_; }
  uint64_t stale_count() const { return stale_count_; }
  uint64_t checksum() const { return checksum_; }

 private:
  std::vector<uint32_t> newest_;
  std::vector<uint32_t> stale_lines_;
  std::vector<StaleRun> runs_;
  uint32_t version_ = 0;
  uint64_t stale_count_ = 0;
  uint64_t checksum_ = 0;
};
