// SPDX-License-Identifier: MIT
// The command line of a peer: pairs of `--name value`. Whatever is unknown ends the program with exit status 2.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

class Arguments {
 public:
  /// `defaults` are the known names and their values when not given.
  Arguments(int count, char** words, std::map<std::string, std::string> defaults) : values_(std::move(defaults)) {
    for (int i = 1; i < count; i += 2) {
      const std::string word = words[i];
      const auto known = word.rfind("--", 0) == 0 ? values_.find(word.substr(2)) : values_.end();
      if (known == values_.end()) fail(word, "is not an option");
      if (i + 1 == count) fail(word, "needs a value");
      known->second = words[i + 1];
    }
  }

  std::string text(const std::string& name) const { return values_.at(name); }

  uint32_t number(const std::string& name) const {
    char* end = nullptr;
    const std::string& value = values_.at(name);
    const unsigned long parsed = std::strtoul(value.c_str(), &end, 10);
    if (value.empty() || *end != '\0') fail("--" + name, "needs a number, not " + value);
    return static_cast<uint32_t>(parsed);
  }

  [[noreturn]] static void fail(const std::string& option, const std::string& reason) {
    std::fprintf(stderr, "%s %s\n", option.c_str(), reason.c_str());
    std::exit(2);
  }

 private:
  std::map<std::string, std::string> values_;
};
