// SPDX-License-Identifier: Apache-2.0
// The protocol twin as a program, for the tests of the whole path:
//
//   model_server_twin [--protocol ollama|openai] [--seed N] [--faults PERCENT] [--without NAME]... [--only NAME]
//                     [--milliseconds N] [--slots N]
//
// PERCENT of the calls get a fault, drawn from the seed, the question and how often it was asked: the same run has the
// same faults whatever the order. A question's fifth call is answered well. Prints its address, serves until its
// standard input ends.
#include <cstdio>
#include <cstring>
#include <iostream>
#include <set>
#include <string>

#include "base/sha256.h"
#include "tests/twin/twin.h"

namespace {

using namespace ledgermill;
using testing::TwinFault;

struct Words {
  testing::TwinOptions twin;
  std::string seed = "1";
  unsigned percent = 0;
  std::set<std::string> without;
  std::string only;
};

bool take(Words& words, const std::string& name, const std::string& value) {
  if (name == "--protocol")
    words.twin.protocol =
        value == "openai" ? testing::TwinOptions::Protocol::kOpenAi : testing::TwinOptions::Protocol::kOllama;
  else if (name == "--seed")
    words.seed = value;
  else if (name == "--faults")
    words.percent = static_cast<unsigned>(std::stoul(value));
  else if (name == "--without")
    words.without.insert(value);
  else if (name == "--only")
    words.only = value;
  else if (name == "--milliseconds")
    words.twin.milliseconds = static_cast<std::uint32_t>(std::stoul(value));
  else if (name == "--slots")
    words.twin.slots = static_cast<std::uint32_t>(std::stoul(value));
  else
    return false;
  return true;
}

}  // namespace

int main(int count, char** given) {
  Words words;
  for (int i = 1; i + 1 < count; i += 2) {
    if (!take(words, given[i], given[i + 1])) {
      std::fprintf(stderr, "no such option: %s\n", given[i]);
      return 2;
    }
  }
  std::vector<const TwinFault*> faults;
  for (const TwinFault& fault : testing::twin_faults()) {
    if (!words.without.contains(fault.name) && (words.only.empty() || words.only == fault.name))
      faults.push_back(&fault);
  }
  constexpr std::uint32_t kMostFaults = 4;
  if (words.percent > 0 && !faults.empty()) {
    words.twin.fault = [&words, &faults](const std::string& question, std::uint32_t before) -> const TwinFault* {
      const Digest drawn = Sha256::of(words.seed + " " + question + " " + std::to_string(before));
      const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(drawn.bytes[i]); };
      if (before >= kMostFaults || (byte(0) * 256 + byte(1)) % 100 >= words.percent) return nullptr;
      return faults[(byte(2) * 256 + byte(3)) % faults.size()];
    };
  }
  const testing::Twin twin(std::move(words.twin));
  std::printf("%s\n", twin.url().c_str());
  std::fflush(stdout);
  std::string line;
  while (std::getline(std::cin, line)) {
  }
  std::printf("%s\n", twin.counts_json().c_str());
  return 0;
}
