// SPDX-License-Identifier: Apache-2.0
#include "job/file_blocks.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/failure.h"
#include "base/file.h"

namespace ledgermill::job {

std::uint64_t read_blocks(int fd, const std::filesystem::path& path,
                          const std::function<void(std::span<const std::byte>)>& take) {
  std::vector<std::byte> block(kBlockBytes);
  for (std::uint64_t at = 0;;) {
    const std::size_t n = read_some_at(fd, at, block, path);
    if (n > 0) take(std::span(block).first(n));
    at += n;
    if (n < block.size()) return at;
  }
}

Digest digest_of(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot open '{}': {}", file.string(), errno_text(errno)));
  Sha256 sha;
  read_blocks(fd.get(), file, [&](std::span<const std::byte> bytes) { sha.update(bytes); });
  return sha.finish();
}

std::uint64_t block_sum(std::span<const std::byte> block) {
  // Four lanes, so that one multiplication need not wait for the other; each step can be undone, so that no difference
  // of a single word is lost. The constant is odd, of about as many ones as zeros.
  constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;
  constexpr std::size_t kLanes = 4;
  std::array<std::uint64_t, kLanes> lanes{1, 2, 3, 4};
  const auto mix = [](std::uint64_t lane, std::uint64_t word) {
    lane = (lane ^ word) * kMultiplier;
    return lane ^ (lane >> 29);
  };
  constexpr std::size_t kStep = kLanes * sizeof(std::uint64_t);
  std::array<std::uint64_t, kLanes> words{};
  std::size_t at = 0;
  for (; at + kStep <= block.size(); at += kStep) {
    std::memcpy(words.data(), block.data() + at, kStep);
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = mix(lanes[i], words[i]);
  }
  words = {};
  if (at < block.size()) std::memcpy(words.data(), block.data() + at, block.size() - at);
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = mix(lanes[i], words[i]);
  std::uint64_t sum = block.size();
  for (const std::uint64_t lane : lanes) sum = mix(sum, lane);
  return sum;
}

}  // namespace ledgermill::job
