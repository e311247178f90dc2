// SPDX-License-Identifier: Apache-2.0
// The client of model servers, through real sockets, against the protocol twin.
#include "enrich/model_server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "base/failure.h"
#include "enrich/asking.h"
#include "tests/enrich/orders.h"
#include "tests/support/files.h"
#include "tests/twin/twin.h"

namespace ledgermill::testing {
namespace {

using enrich::Question;
using Protocol = TwinOptions::Protocol;

/// The orders' definition with more to ask: three categories, twelve items, `streets` of an address.
enrich::EnrichmentDefinition many_questions(std::size_t streets) {
  std::string yaml = orders_yaml();
  std::string known;
  for (std::size_t i = 0; i < streets; ++i) known += (i == 0 ? "S" : ", S") + std::to_string(i);
  const std::string line = "  fields:                      # what";
  yaml.insert(yaml.find('\n', yaml.find(line)) + 1,
              "    - {name: street, field: Address, known: [" + known + "], otherwise: elsewhere}\n");
  yaml.replace(yaml.find("item ordered: {item}"), 20, "item ordered: {item}, to {street}");
  return enrich::parse_definition(yaml, "many.yaml");
}

std::vector<Question> all_questions(const enrich::EnrichmentDefinition& definition, std::size_t most) {
  std::vector<Question> questions;
  for (std::size_t street = 0; street < definition.question[0].known.size(); ++street) {
    for (std::size_t item = 0; item < definition.question[1].known.size(); ++item) {
      for (std::size_t category = 0; category < definition.categories.size(); ++category) {
        if (questions.size() < most) questions.push_back({category, {street, item}});
      }
    }
  }
  return questions;
}

struct Asked {
  enrich::AskResult result;
  double seconds = 0;
  std::map<std::string, enrich::StoredAnswer> answers;
};

Asked ask(const enrich::EnrichmentDefinition& definition, const std::vector<Question>& questions, const Twin& twin,
          enrich::CallLimits limits) {
  const TempFolder folder;
  enrich::ModelServerOptions options;
  options.url = twin.url();
  options.model = "m";
  enrich::ModelServer server(options);
  enrich::AnswerStore store(folder.path() / "answers.jsonl", enrich::AnswerStore::Access::kWrite);
  const enrich::ServerDescription description = server.describe(5000);
  Asked asked;
  const auto begun = std::chrono::steady_clock::now();
  asked.result = enrich::ask_server(definition, questions, server, description, options, limits, store,
                                    "2025-11-25T00:00:00Z", nullptr);
  asked.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  // What is on the disk, read anew: not what the object believes.
  const enrich::AnswerStore written(folder.path() / "answers.jsonl", enrich::AnswerStore::Access::kReadOnly);
  for (const auto& [key, answer] : written.answers()) asked.answers[answer.question] = answer;
  return asked;
}

enrich::CallLimits quick(std::uint32_t in_flight = 8) {
  enrich::CallLimits limits;
  limits.in_flight = in_flight;
  limits.timeout_ms = 400;
  limits.backoff_ms = 1;
  limits.breaker = 1000;
  return limits;
}

/// Every answer that is stored is the question's own, and would be believed again.
void expect_no_wrong_join(const enrich::EnrichmentDefinition& definition, const std::vector<Question>& questions,
                          const Asked& asked) {
  std::set<std::string> unanswered;
  for (const auto& one : asked.result.unanswered) unanswered.insert(enrich::question_json(definition, one.question));
  ASSERT_EQ(asked.result.answered + asked.result.unanswered.size(), questions.size());
  std::size_t answered = 0;
  for (const Question& question : questions) {
    const std::string json = enrich::question_json(definition, question);
    const auto found = asked.answers.find(json);
    ASSERT_NE(found == asked.answers.end(), unanswered.count(json) == 0) << json << " is answered, or it is not";
    if (found == asked.answers.end()) continue;
    ++answered;
    const enrich::Answer& answer = found->second.answer;
    ASSERT_NE(answer.text.find(letters_of(enrich::question_id(definition, question))), std::string::npos)
        << json << " has another question's answer: " << answer.text;
    ASSERT_TRUE(enrich::verify_text(definition, definition.categories[question.category], answer.text)) << answer.text;
    const std::vector<std::string> choices = enrich::suggestions(definition, question);
    ASSERT_EQ(choices.empty(), answer.suggested_item.empty());
    if (!choices.empty()) {
      ASSERT_NE(std::find(choices.begin(), choices.end(), answer.suggested_item), choices.end());
    }
  }
  ASSERT_EQ(answered, asked.answers.size());
}

TEST(ModelServerTwin, HasTwentyFiveFaultsAndMore) { EXPECT_GE(twin_faults().size(), 25U); }

TEST(ModelServer, EachFaultOnceEndsAsItsKindSays) {
  const enrich::EnrichmentDefinition definition = many_questions(1);
  const std::vector<Question> questions = all_questions(definition, 6);
  for (const Protocol protocol : {Protocol::kOllama, Protocol::kOpenAi}) {
    for (const TwinFault& fault : twin_faults()) {
      SCOPED_TRACE(fault.name);
      TwinOptions options;
      options.protocol = protocol;
      options.fault = [&fault](const std::string&, std::uint32_t before) { return before == 0 ? &fault : nullptr; };
      const Twin twin(options);
      const Asked asked = ask(definition, questions, twin, quick());
      expect_no_wrong_join(definition, questions, asked);
      const std::uint64_t all = questions.size();
      const bool given_up = fault.way == TwinFault::Way::kWillNot;
      EXPECT_EQ(asked.result.answered, given_up ? 0 : all);
      EXPECT_EQ(asked.result.calls.retries, fault.way == TwinFault::Way::kMayPass ? all : 0);
      EXPECT_EQ(asked.result.repaired, fault.way == TwinFault::Way::kRepaired ? all : 0);
      EXPECT_EQ(twin.counts().calls, asked.result.calls.attempts);
    }
  }
}

TEST(ModelServer, RandomFaultsJoinNothingWrong) {
  const enrich::EnrichmentDefinition definition = many_questions(140);
  const std::vector<Question> questions = all_questions(definition, 5000);
  for (const Protocol protocol : {Protocol::kOllama, Protocol::kOpenAi}) {
    std::uint32_t drawn = 20251125;
    TwinOptions options;
    options.protocol = protocol;
    options.fault = [&drawn](const std::string&, std::uint32_t) -> const TwinFault* {
      drawn = drawn * 1664525U + 1013904223U;
      const auto& faults = twin_faults();
      const TwinFault& fault = faults[(drawn >> 8U) % faults.size()];
      const std::string name = fault.name;
      const bool takes_time = name == "slow" || name == "hang" || name == "huge" || name == "429";
      return (drawn >> 24U) % 100 < 25 && (!takes_time || (drawn >> 16U) % 50 == 0) ? &fault : nullptr;
    };
    const Twin twin(options);
    const Asked asked = ask(definition, questions, twin, quick(32));
    expect_no_wrong_join(definition, questions, asked);
    EXPECT_GT(asked.result.answered, questions.size() * 9 / 10);
    EXPECT_GT(asked.result.repaired, questions.size() / 50);
  }
}

TEST(ModelServer, MakesFiveHundredCallsASecondAndKeepsItsConnections) {
  const enrich::EnrichmentDefinition definition = many_questions(140);
  const std::vector<Question> questions = all_questions(definition, 5000);
  const Twin twin(TwinOptions{});
  const Asked asked = ask(definition, questions, twin, quick(8));
  EXPECT_EQ(asked.result.answered, questions.size());
  const double each_second = static_cast<double>(questions.size()) / asked.seconds;
  RecordProperty("calls_per_second", std::to_string(each_second));
  std::printf("%.0f calls a second\n", each_second);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_GE(each_second, 500);
#endif
  EXPECT_LE(twin.counts().connections, 8U + 2U) << "one a call in flight, and one for the server's description";
}

TEST(ModelServer, AReplyAsLongAsTheLimitIsReadAndALongerOneIsNot) {
  const enrich::EnrichmentDefinition definition = many_questions(1);
  const std::vector<Question> questions = all_questions(definition, 3);
  for (const std::uint32_t more : {0U, 1U}) {
    TwinOptions options;
    options.answer_bytes = 20'000 + more;
    const Twin twin(options);
    enrich::CallLimits limits = quick();
    limits.response_bytes = 20'000;
    const Asked asked = ask(definition, questions, twin, limits);
    EXPECT_EQ(asked.result.answered, more == 0 ? questions.size() : 0);
    EXPECT_EQ(asked.result.calls.attempts, questions.size()) << "what is too long once is too long again";
    for (const auto& one : asked.result.unanswered) {
      EXPECT_EQ(one.code, "will-not");
      EXPECT_EQ(one.detail, "the reply is longer than 20000 bytes");
    }
  }
}

TEST(ModelServer, AsksNoMoreAtOnceThanAServerTakes) {
  const enrich::EnrichmentDefinition definition = many_questions(30);
  const std::vector<Question> questions = all_questions(definition, 600);
  TwinOptions options;
  options.slots = 3;
  options.milliseconds = 10;
  const Twin twin(options);
  enrich::CallLimits limits = quick(32);
  limits.attempts = 20;
  limits.timeout_ms = 5000;
  const Asked asked = ask(definition, questions, twin, limits);
  EXPECT_EQ(asked.result.answered, questions.size());
  EXPECT_LT(twin.counts().refused_busy, questions.size() / 2) << "a server that says that it is busy is asked less";
  std::printf("%.1f s, %llu refused\n", asked.seconds, static_cast<unsigned long long>(twin.counts().refused_busy));
  EXPECT_LT(asked.seconds, 3 * 600 * 0.010 / 3) << "and is kept at work all the same";
}

}  // namespace
}  // namespace ledgermill::testing
