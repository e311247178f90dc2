// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace ledgermill::model {

/// One posting, as features see it. Integers only; ids are hashes or numbers that mean nothing but "the same".
struct Observation {
  std::uint32_t feed = 0;
  std::int32_t file_day = 0;   ///< business date of its file, in days since 1970-01-01
  std::int32_t entry_day = 0;  ///< the date that it states itself
  std::uint64_t entity = 0;    ///< account; 0 where the feed has none
  std::uint64_t type = 0;
  std::uint64_t description = 0;
  std::int64_t amount = 0;  ///< minor units
};

/// Id of a text: FNV-1a (Fowler, Noll, Vo), 64 bits; never 0.
std::uint64_t text_id(std::string_view text);

/// Names of the features, in their order. `kFeatures.size()` is the width of every row.
inline constexpr std::array<std::string_view, 38> kFeatures{"log_amount",
                                                            "negative",
                                                            "whole",
                                                            "trailing_zeros",
                                                            "digits",
                                                            "first_digit",
                                                            "z_description",
                                                            "z_entity_desc",
                                                            "abs_z_entity_desc",
                                                            "z_entity",
                                                            "log_ratio_last",
                                                            "tens_distance",
                                                            "tens",
                                                            "seen_amount",
                                                            "seen_amount_desc",
                                                            "negative_share",
                                                            "sign_surprise",
                                                            "sign_surprise_desc",
                                                            "desc_given_entity",
                                                            "type_given_desc",
                                                            "count_entity_desc",
                                                            "count_entity",
                                                            "lag",
                                                            "abs_lag",
                                                            "abs_lag_swapped",
                                                            "abs_lag_other_year",
                                                            "day_of_month",
                                                            "weekday",
                                                            "usual_day_distance",
                                                            "lag_z",
                                                            "same_key_week",
                                                            "same_key_and_day",
                                                            "days_since_key",
                                                            "equals_previous",
                                                            "gap_ratio",
                                                            "spread_entity_desc",
                                                            "z_best_other",
                                                            "swap_gain"};
using FeatureRow = std::array<float, kFeatures.size()>;

/// SHA-256 hex of the names in order and of the version of their meaning: a model is scored only with features of the
/// same schema.
std::string_view feature_schema();

/// Turns postings, in the order in which they were posted, into features that look at the past only: what `next`
/// returns depends on nothing but the observations before it and its own. One pass, constant work a posting.
///
/// State: at most 6 entries of `kBytesPerKey` bytes a (feed, entity, description), plus one of 24 bytes for each
/// (feed, entity, description, amount) of the last 45 days. The same postings give the same bits on machines with the
/// same C library.
class FeatureStream {
 public:
  static constexpr std::size_t kBytesPerKey = 56;

  FeatureStream();
  FeatureStream(FeatureStream&&) noexcept;
  FeatureStream& operator=(FeatureStream&&) noexcept;
  ~FeatureStream();

  /// `file_day` must not go back within a feed by more than a correction does; nothing breaks when it does.
  FeatureRow next(const Observation& observation);

  struct State {
    std::size_t keys = 0;     ///< live keys of all kinds but amounts
    std::size_t amounts = 0;  ///< amounts remembered against duplicates
    std::size_t bytes = 0;    ///< of both tables, with their free places
  };
  State state() const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace ledgermill::model
