// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace ledgermill::feed {

/// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014): small, and the same on
/// every machine, which the standard library's distributions are not. Private to the room.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// From 0 to `count` - 1; the bias is below 2^-32 for the counts used here.
  std::uint64_t below(std::uint64_t count) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * count) >> 64);
  }
  /// From 0 to just below 1.
  double share() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// Mean 0, standard deviation 1, within 6: the sum of twelve shares, less 6.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += share();
    return sum;
  }

 private:
  std::uint64_t state_;
};

}  // namespace ledgermill::feed
