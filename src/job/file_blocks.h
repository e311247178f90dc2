// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "base/sha256.h"

namespace ledgermill::job {

constexpr std::size_t kBlockBytes = 1U << 20;

/// Gives a file's bytes from its beginning, in blocks of kBlockBytes of which only the last is shorter; returns how
/// many. Failure RC 12 on I/O errors.
std::uint64_t read_blocks(int fd, const std::filesystem::path& path,
                          const std::function<void(std::span<const std::byte>)>& take);

/// The SHA-256 of a file. Failure RC 12.
Digest digest_of(const std::filesystem::path& file);

/// Tells blocks apart that differ by accident, at memory's speed; no digest.
std::uint64_t block_sum(std::span<const std::byte> block);

}  // namespace ledgermill::job
