// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/sha256.h"
#include "record/business_date.h"

namespace ledgermill {

/// Names a batch for people: "transactions/2025-03-30/9f86d081884c" or "transactions/9f86d081884c", with "/2" and so on
/// from the second attempt on.
struct BatchId {
  std::string text;

  static BatchId of(std::string_view feed, const std::optional<BusinessDate>& business_date, const Digest& file,
                    std::uint32_t attempt);
  auto operator<=>(const BatchId&) const = default;
};

/// A batch's number inside one ledger; the first half of a posting's key. From 1.
enum class BatchNumber : std::int64_t {};
constexpr std::int64_t to_int(BatchNumber number) { return static_cast<std::int64_t>(number); }

/// A chunk of a batch, from 1.
enum class ChunkNumber : std::uint32_t {};
constexpr std::uint32_t to_int(ChunkNumber number) { return static_cast<std::uint32_t>(number); }

/// A record of a feed file, from 1: the first record after the header.
enum class RecordNumber : std::uint64_t {};
constexpr std::uint64_t to_int(RecordNumber number) { return static_cast<std::uint64_t>(number); }

}  // namespace ledgermill
