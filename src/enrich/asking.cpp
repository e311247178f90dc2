// SPDX-License-Identifier: Apache-2.0
#include "enrich/asking.h"

#include <fmt/core.h>

#include <set>

#include "base/check.h"

namespace ledgermill::enrich {

namespace {

StoredAnswer stored(const EnrichmentDefinition& definition, const Asked& asked, const Question& question,
                    Answer answer) {
  StoredAnswer made;
  made.key = answer_key(definition, asked, question).hex();
  made.question = question_json(definition, question);
  made.answer = std::move(answer);
  made.provenance.model = asked.model;
  made.provenance.model_digest = asked.model_digest;
  made.provenance.prompt_version = definition.prompt_version;
  made.provenance.prompt_digest = definition.prompt_digest.hex12();
  return made;
}

/// The questions of one run on their way through a server.
class Asking {
 public:
  Asking(const EnrichmentDefinition& definition, const std::vector<Question>& questions, Asked asked,
         AnswerStore& store, std::string asked_at)
      : definition_(definition),
        questions_(questions),
        asked_(std::move(asked)),
        store_(store),
        asked_at_(std::move(asked_at)),
        attempts_(questions.size()),
        spent_(questions.size()) {}

  std::optional<Call> ended(const Call& call, const CallOutcome& outcome);
  AskResult& result() { return result_; }
  std::uint64_t ended_count() const { return result_.answered + result_.unanswered.size(); }

 private:
  std::optional<Call> refused(const Call& call, const Refusal& refusal);
  void unanswered(std::size_t number, std::string code, std::string detail);

  const EnrichmentDefinition& definition_;
  const std::vector<Question>& questions_;
  Asked asked_;
  AnswerStore& store_;
  std::string asked_at_;
  std::vector<std::uint32_t> attempts_;
  struct Spent {
    std::uint64_t milliseconds = 0;
    std::uint64_t input_tokens = 0;
    std::uint64_t output_tokens = 0;
  };
  std::vector<Spent> spent_;  // on each question, its refused answers included
  std::set<std::size_t> repairing_;
  AskResult result_;
};

void Asking::unanswered(std::size_t number, std::string code, std::string detail) {
  result_.unanswered.push_back({questions_[number], std::move(code), std::move(detail), attempts_[number]});
}

/// Asks once more, saying what was wrong. Of the refused answer nothing is shown but the reason's own words.
std::optional<Call> Asking::refused(const Call& call, const Refusal& refusal) {
  if (!repairing_.insert(call.number).second) {
    unanswered(call.number, refusal.code, refusal.detail);
    return std::nullopt;
  }
  Call again{call.number, prompt_for(definition_, questions_[call.number])};
  again.prompt.user += fmt::format("\nYour last answer was not accepted: {}. Answer again, as asked.", refusal.detail);
  return again;
}

std::optional<Call> Asking::ended(const Call& call, const CallOutcome& outcome) {
  attempts_[call.number] += outcome.attempts;
  Spent& spent = spent_[call.number];
  spent.milliseconds += outcome.milliseconds;
  spent.input_tokens += outcome.reply.input_tokens;
  spent.output_tokens += outcome.reply.output_tokens;
  const Question& question = questions_[call.number];
  switch (outcome.reply.kind) {
    case ReplyKind::kText:
      break;
    case ReplyKind::kWillNot:
      unanswered(call.number, "will-not", outcome.reply.problem);
      return std::nullopt;
    case ReplyKind::kMayPass:
    case ReplyKind::kNoModel:
    case ReplyKind::kNotAllowed:
      unanswered(call.number, "unavailable", outcome.reply.problem);
      return std::nullopt;
  }
  const auto answer = verify_answer(definition_, question, outcome.reply.text);
  if (!answer) return refused(call, answer.error());
  StoredAnswer made = stored(definition_, asked_, question, *answer);
  made.provenance.asked_at = asked_at_;
  made.provenance.attempts = attempts_[call.number];
  made.provenance.milliseconds = spent.milliseconds;
  made.provenance.input_tokens = spent.input_tokens;
  made.provenance.output_tokens = spent.output_tokens;
  if (repairing_.contains(call.number)) {
    made.provenance.verdict = "repaired";
    ++result_.repaired;
  }
  store_.add(made);
  ++result_.answered;
  return std::nullopt;
}

}  // namespace

AskResult ask_server(const EnrichmentDefinition& definition, const std::vector<Question>& questions,
                     ModelServer& server, const ServerDescription& description, const ModelServerOptions& options,
                     CallLimits limits, AnswerStore& store, const std::string& asked_at,
                     const std::function<void(const AskProgress&)>& progress) {
  CallSettings settings{description.dialect, options.model, definition.context_tokens, definition.answer_tokens,
                        description.thinking};
  Asking asking(definition, questions, {options.model, description.model_digest}, store, asked_at);
  std::vector<Call> calls;
  for (std::size_t i = 0; i < questions.size(); ++i) calls.push_back({i, prompt_for(definition, questions[i])});
  const auto tick = [&] {
    store.sync();
    if (progress) progress({questions.size(), asking.ended_count(), asking.result().unanswered.size()});
  };
  server.call(
      std::move(calls), settings, limits,
      [&](const Call& call, const CallOutcome& outcome) { return asking.ended(call, outcome); }, tick);
  LM_CHECK(asking.ended_count() == questions.size(), "each question is answered or not, once");
  tick();
  asking.result().calls = server.counts();
  return std::move(asking.result());
}

AskResult ask_embedded(const EnrichmentDefinition& definition, const std::vector<Question>& questions,
                       AnswerStore& store, const std::function<void(const AskProgress&)>& progress) {
  AskResult result;
  for (const Question& question : questions) {
    const auto answer = verify_answer(definition, question, embedded_answer(definition, question));
    LM_CHECK(answer.has_value(), "a definition's own texts are valid answers");
    store.add(stored(definition, {"embedded", ""}, question, *answer));
    ++result.answered;
    if (progress) progress({questions.size(), result.answered, 0});
  }
  store.sync();
  return result;
}

}  // namespace ledgermill::enrich
