// SPDX-License-Identifier: Apache-2.0
#include "batch/decided_records.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "feed/survey.h"
#include "tests/enrich/orders.h"
#include "tests/support/files.h"

namespace ledgermill::testing {
namespace {

const rules::ModulePlaces kPlaces{{LM_SOURCE_DIR "/cobol/programs"}, LM_BINARY_DIR "/cache/ledgermill"};

/// A feed with the fields of the orders, where amount and frequency may be missing and negative.
feed::FeedDefinition loose_orders(const std::string& amount_type = "decimal(6,0)") {
  return feed::parse_definition(
      "feed: loose\nschema:\n  fields:\n"
      "    - {name: OrderID, column: order_id}\n"
      "    - {name: CustomerName, column: customer_name}\n"
      "    - {name: Item, column: item}\n"
      "    - {name: Amount, column: amount, type: \"" +
          amount_type +
          "\"}\n"
          "    - {name: PurchaseFrequency, column: purchase_frequency, type: integer}\n",
      "loose.yaml");
}

struct Decided {
  std::string category;
  std::set<std::string> flags;
  bool operator==(const Decided&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Decided& decided) {
  out << decided.category;
  for (const std::string& flag : decided.flags) out << " " << flag;
  return out;
}

/// The rules as the trade says them, one row after the other; "lower" of two categories, New below Standard below VIP.
Decided by_the_rules(std::optional<int> spend, std::optional<int> frequency) {
  constexpr int kNone = -1;
  const int by_spend = !spend ? kNone : *spend > 50 ? 2 : *spend >= 10 ? 1 : 0;
  const int by_frequency = !frequency || *frequency < 1 ? kNone : *frequency >= 5 ? 2 : *frequency >= 2 ? 1 : 0;
  if (by_spend == kNone || by_frequency == kNone) return {"New", {"rule_gap"}};
  const char* const names[] = {"New", "Standard", "VIP"};
  Decided decided{names[std::min(by_spend, by_frequency)], {}};
  if (by_spend != by_frequency) decided.flags = {"rule_conflict"};
  return decided;
}

std::vector<Decided> decide(const feed::FeedDefinition& feed, const std::string& text, std::size_t& undecided) {
  const TempFolder folder;
  const auto enrichment = batch::prepare_enrichment(orders_enrichment(), feed, kPlaces);
  const feed::SourceFile file(folder.write("orders.csv", text));
  const Plan plan = feed::survey(file, enrichment.feed.definition, {});
  batch::RecordWalk walk(enrichment, plan, file);
  std::vector<Decided> all;
  walk.each(
      [&](const batch::DecidedRecord& record) {
        all.push_back({enrichment.definition.categories[record.question.category].name,
                       {record.flags.begin(), record.flags.end()}});
      },
      [&](const batch::UndecidedRecord&) { ++undecided; });
  return all;
}

TEST(OrderCategory, HasOneCategoryForEveryPairOfValues) {
  std::string text = "OrderID,CustomerName,Item,Amount,PurchaseFrequency\n";
  std::vector<std::pair<std::optional<int>, std::optional<int>>> pairs;
  std::vector<std::optional<int>> amounts{std::nullopt, -999999, -1, 999999};
  for (int amount = 0; amount <= 999; ++amount) amounts.push_back(amount);
  std::vector<std::optional<int>> frequencies{std::nullopt, -1, 1000000};
  for (int frequency = 0; frequency <= 99; ++frequency) frequencies.push_back(frequency);
  const auto shown = [](const std::optional<int>& value) { return value ? std::to_string(*value) : ""; };
  for (const auto& amount : amounts) {
    for (const auto& frequency : frequencies) {
      pairs.emplace_back(amount, frequency);
      text += "1000,A,Lamp," + shown(amount) + "," + shown(frequency) + "\n";
    }
  }
  std::size_t undecided = 0;
  const auto all = decide(loose_orders(), text, undecided);
  ASSERT_EQ(all.size(), pairs.size());
  EXPECT_EQ(undecided, 0U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i], by_the_rules(pairs[i].first, pairs[i].second))
        << "spend " << shown(pairs[i].first) << ", frequency " << shown(pairs[i].second);
  }
}

/// What the second program says of the pairs: "New gap", "VIP", ...
std::vector<std::string> by_the_second_program(const TempFolder& folder, const std::string& pairs) {
  folder.write("pairs", pairs);
  const std::string at = folder.path().string();
  const std::string compile =
      "cobc -x -free -o '" + at + "/second' '" LM_SOURCE_DIR "/tests/batch/independent_category.cbl'";
  EXPECT_EQ(std::system(compile.c_str()), 0);
  EXPECT_EQ(std::system(("'" + at + "/second' <'" + at + "/pairs' >'" + at + "/said'").c_str()), 0);
  std::vector<std::string> said;
  std::ifstream in(folder / "said");
  for (std::string line; std::getline(in, line);) said.push_back(line);
  return said;
}

TEST(OrderCategory, IsWhatAnIndependentCobolProgramSaysOnEveryCellAndEdge) {
  std::string rows = "OrderID,CustomerName,Item,Amount,PurchaseFrequency\n";
  std::string pairs;
  std::vector<std::string> spends{"", "-999999", "-1", "999999"};
  for (int spend = 0; spend <= 999; ++spend) spends.push_back(std::to_string(spend));
  std::vector<std::string> frequencies{"", "-1", "1000000"};
  for (int frequency = 0; frequency <= 99; ++frequency) frequencies.push_back(std::to_string(frequency));
  constexpr std::size_t kWidth = 12;
  const auto padded = [](const std::string& text) { return std::string(kWidth - text.size(), ' ') + text; };
  for (const std::string& spend : spends) {
    for (const std::string& frequency : frequencies) {
      rows += "1000,A,Lamp," + spend + "," + frequency + "\n";
      pairs += padded(spend) + " " + padded(frequency) + "\n";
    }
  }
  const TempFolder folder;
  const std::vector<std::string> said = by_the_second_program(folder, pairs);
  std::size_t undecided = 0;
  const auto all = decide(loose_orders(), rows, undecided);
  EXPECT_EQ(undecided, 0U);
  ASSERT_EQ(all.size(), spends.size() * frequencies.size());
  ASSERT_EQ(said.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::string shown = all[i].category;
    for (const std::string& flag : all[i].flags) shown += " " + flag.substr(std::string("rule_").size());
    ASSERT_EQ(shown, said[i]) << "spend '" << spends[i / frequencies.size()] << "', frequency '"
                              << frequencies[i % frequencies.size()] << "'";
  }
}

TEST(OrderCategory, EdgesAreAsDocumented) {
  std::size_t undecided = 0;
  const auto all = decide(loose_orders(),
                          "OrderID,CustomerName,Item,Amount,PurchaseFrequency\n"
                          "1,A,Lamp,9,1\n1,A,Lamp,10,2\n1,A,Lamp,50,4\n1,A,Lamp,51,5\n1,A,Lamp,42,5\n1,A,Lamp,0,0\n",
                          undecided);
  const std::vector<Decided> wanted{
      {"New", {}},          {"Standard", {}}, {"Standard", {}}, {"VIP", {}}, {"Standard", {"rule_conflict"}},
      {"New", {"rule_gap"}}};
  EXPECT_EQ(all, wanted);
}

TEST(RecordWalk, ARecordThatTheFeedRejectsIsUndecidedWithItsReasons) {
  const TempFolder folder;
  const auto enrichment = batch::prepare_enrichment(orders_enrichment(), loose_orders(), kPlaces);
  const feed::SourceFile file(folder.write("orders.csv",
                                           "OrderID,CustomerName,Item,Amount,PurchaseFrequency\n"
                                           "1,A,Lamp,9,1\n2,A,Lamp,x,1\n3,A,Lamp,9\n4,A,Lamp,9,1\n"));
  const Plan plan = feed::survey(file, enrichment.feed.definition, {});
  batch::RecordWalk walk(enrichment, plan, file);
  std::string seen;
  for (int look = 0; look < 2; ++look) {
    walk.each(
        [&](const batch::DecidedRecord& record) {
          seen += std::to_string(record.number) + " " + std::string(record.bytes) + ";";
        },
        [&](const batch::UndecidedRecord& record) {
          seen += std::to_string(record.number) + "!";
          for (const std::string& reason : record.reasons) seen += reason + ";";
        });
  }
  const std::string once = "1 1,A,Lamp,9,1;2!type-error Amount;3!missing-cell PurchaseFrequency;4 4,A,Lamp,9,1;";
  EXPECT_EQ(seen, once + once);
}

TEST(PrepareEnrichment, RefusesAFeedThatTheModuleWasNotWrittenFor) {
  const auto refusal = [](const feed::FeedDefinition& feed) {
    try {
      batch::prepare_enrichment(orders_enrichment(), feed, kPlaces);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ReturnCode::kRefused);
      return failure.fact();
    }
    return std::string("accepted");
  };
  EXPECT_NE(refusal(loose_orders("decimal(6,2)")).find("has 2 decimals"), std::string::npos)
      << "10 would be ten hundredths";
  EXPECT_NE(refusal(loose_orders("string")).find("it is no number"), std::string::npos);
  EXPECT_NE(refusal(loose_orders("integer")).find("'AMOUNT-MINOR' is not defined"), std::string::npos)
      << "the module's own names say what it was written for";
  EXPECT_EQ(refusal(loose_orders()), "accepted");
}

}  // namespace
}  // namespace ledgermill::testing
