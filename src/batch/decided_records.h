// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/chunk_ingester.h"
#include "batch/record_totals.h"
#include "enrich/definition.h"
#include "enrich/question.h"
#include "feed/source_file.h"
#include "record/plan.h"
#include "rules/module_judge.h"

namespace ledgermill::batch {

/// An enrichment on this machine: its definition, the feed that it reads, and the COBOL module that decides.
struct Enrichment {
  enrich::EnrichmentDefinition definition;
  Feed feed;
  RuleModule decision;  ///< one rule a category, then one a flag
  rules::ModuleImage module;
  Layout shown;                        ///< what of the feed's layout the module is shown, in the order of `reads`
  std::vector<std::size_t> reads;      ///< feed field of each shown field
  std::optional<RecordTotals> totals;  ///< given by the caller: the module is shown them instead of the record's own
};

/// Finds the decision module and holds the definition against the feed's layout. Failure RC 8: a field that the feed
/// does not have, another scale than the module's bounds are written for, a module that is missing or does not compile.
Enrichment prepare_enrichment(enrich::EnrichmentDefinition definition, feed::FeedDefinition feed,
                              const rules::ModulePlaces& places);

/// One record of the feed file, with its category. The views are valid during the call that is given it.
struct DecidedRecord {
  std::uint64_t number = 0;
  std::uint64_t line = 0;
  std::string_view bytes;  ///< the record as it stands in the file, without its line end
  enrich::Question question;
  std::vector<std::string_view> flags;
  std::vector<std::string_view> cells;  ///< in the feed's layout, as read
};

/// One record that cannot be enriched: its feed's rules reject it, or the decision module abended on it.
struct UndecidedRecord {
  std::uint64_t number = 0;
  std::uint64_t line = 0;
  std::vector<std::string> reasons;  ///< "type-error Amount", each reason once
};

/// Fills in category, flags and question of a record whose cells are known, by what the module said of it. Failure RC
/// 8: no category, or two.
void take_decision(const Enrichment& enrichment, std::span<const Finding> words, DecidedRecord& record);
/// "cobol-abend" or "cobol-timeout" when the module did not get through the record; "" otherwise.
std::string abend_among(std::span<const Finding> words);

/// Walks through a feed file in record order and has each record judged by its feed and decided by the COBOL module.
/// Holds judge processes; used by one single-threaded process.
class RecordWalk {
 public:
  /// All references must outlive the walk.
  RecordWalk(const Enrichment& enrichment, const Plan& plan, const feed::SourceFile& file);
  ~RecordWalk();

  /// Calls one of the two for every record of the plan, once, in order. Failure RC 8: other bytes than were surveyed;
  /// a decision module that gives a record no category, or two.
  void each(const std::function<void(const DecidedRecord&)>& decided,
            const std::function<void(const UndecidedRecord&)>& undecided);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ledgermill::batch
