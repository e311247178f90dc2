// SPDX-License-Identifier: Apache-2.0
#include "enrich/dialect.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "enrich/answer.h"

namespace ledgermill::enrich {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSeed = 20251125;  // some servers give the same answer to the same call with a fixed one

std::string one_line(std::string_view text) { return without_hidden(text.substr(0, 200)); }

Reply problem(ReplyKind kind, std::string text) {
  Reply reply;
  reply.kind = kind;
  reply.problem = std::move(text);
  return reply;
}

std::string text_at(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint64_t count_at(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

/// Ollama: {"error": "text"}; OpenAI: {"error": {"message": ...}}; vLLM also {"object": "error", "message": ...}.
std::string error_in(const Json& json) {
  if (!json.is_object()) return "";
  const auto error = json.find("error");
  if (error != json.end() && error->is_string()) return error->get<std::string>();
  if (error != json.end() && error->is_object()) {
    const std::string message = text_at(*error, "message");
    return message.empty() ? error->dump() : message;
  }
  return text_at(json, "object") == "error" ? text_at(json, "message") : "";
}

Reply read_status(long status, const std::string& error) {
  const std::string said = error.empty() ? fmt::format("HTTP status {}", status)
                                         : fmt::format("HTTP status {}: {}", status, one_line(error));
  if (status == 401 || status == 403) return problem(ReplyKind::kNotAllowed, said);
  if (status == 404) return problem(ReplyKind::kNoModel, said);
  if (status == 408 || status == 425 || status == 429 || status >= 500) return problem(ReplyKind::kMayPass, said);
  return problem(ReplyKind::kWillNot, said);
}

/// The answer, or the thought where a server has put the answer there (vLLM #19222, Ollama with format and thinking).
Reply with_text(Reply reply, const std::string& content, const std::string& thinking) {
  reply.kind = ReplyKind::kText;
  reply.from_thinking = content.empty() && !thinking.empty();
  reply.text = reply.from_thinking ? thinking : content;
  return reply;
}

Reply read_ollama(const Json& json) {
  Reply reply;
  reply.input_tokens = count_at(json, "prompt_eval_count");
  reply.output_tokens = count_at(json, "eval_count");
  const bool done = json.contains("done") && json["done"].is_boolean() && json["done"].get<bool>();
  if (!done) {
    reply.problem = "half an answer: the reply does not say that it is done";
    return reply;
  }
  if (text_at(json, "done_reason") == "length") {
    reply.kind = ReplyKind::kWillNot;
    reply.problem = "the answer was cut at the token limit (done_reason length)";
    return reply;
  }
  if (!json.contains("message") || !json["message"].is_object()) {
    reply.problem = "the reply has no message";
    return reply;
  }
  return with_text(reply, text_at(json["message"], "content"), text_at(json["message"], "thinking"));
}

Reply read_openai(const Json& json) {
  Reply reply;
  if (json.contains("usage")) {
    reply.input_tokens = count_at(json["usage"], "prompt_tokens");
    reply.output_tokens = count_at(json["usage"], "completion_tokens");
  }
  if (!json.contains("choices") || !json["choices"].is_array() || json["choices"].size() != 1 ||
      !json["choices"][0].is_object() || !json["choices"][0].contains("message")) {
    reply.problem = "the reply does not have exactly one choice with a message";
    return reply;
  }
  const Json& choice = json["choices"][0];
  const std::string finish = text_at(choice, "finish_reason");
  const std::string refusal = text_at(choice["message"], "refusal");
  reply.kind = ReplyKind::kWillNot;
  if (!refusal.empty())
    reply.problem = "the model refused: " + one_line(refusal);
  else if (finish == "length")
    reply.problem = "the answer was cut at the token limit (finish_reason length)";
  else if (finish == "content_filter")
    reply.problem = "the server's content filter took the answer away";
  if (!reply.problem.empty()) return reply;
  if (finish != "stop") {
    reply.kind = ReplyKind::kMayPass;
    reply.problem = "half an answer: finish_reason is not stop";
    return reply;
  }
  const std::string reasoning = text_at(choice["message"], "reasoning_content");
  return with_text(reply, text_at(choice["message"], "content"),
                   reasoning.empty() ? text_at(choice["message"], "reasoning") : reasoning);
}

}  // namespace

const char* dialect_name(Dialect dialect) { return dialect == Dialect::kOllama ? "ollama" : "openai"; }
const char* chat_path(Dialect dialect) { return dialect == Dialect::kOllama ? "/api/chat" : "/v1/chat/completions"; }

std::string request_body(const CallSettings& settings, const Prompt& prompt) {
  const Json schema = Json::parse(prompt.schema);
  Json body{{"model", settings.model},
            {"messages", Json::array({{{"role", "system"}, {"content", prompt.system}},
                                      {{"role", "user"}, {"content", prompt.user}}})},
            {"stream", false}};
  if (settings.dialect == Dialect::kOllama) {
    body["format"] = schema;
    body["think"] = false;
    body["truncate"] = false;  // or an over-long prompt loses its front, and the answer is 200 all the same
    body["shift"] = false;
    body["keep_alive"] = "10m";
    body["options"] = {{"temperature", 0},
                       {"seed", kSeed},
                       {"num_ctx", settings.context_tokens},
                       {"num_predict", settings.answer_tokens}};
    return body.dump();
  }
  body["temperature"] = 0;
  body["seed"] = kSeed;
  body["max_tokens"] = settings.answer_tokens;
  body["response_format"] = {{"type", "json_schema"},
                             {"json_schema", {{"name", "recommendation"}, {"strict", true}, {"schema", schema}}}};
  if (settings.thinking == CallSettings::Thinking::kTurnOff)
    body["chat_template_kwargs"] = {{"enable_thinking", false}};
  return body.dump();
}

Reply read_reply(Dialect dialect, long http_status, std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  const std::string error = json.is_discarded() ? "" : error_in(json);
  if (http_status < 200 || http_status > 299) return read_status(http_status, error);
  if (!error.empty()) return problem(ReplyKind::kMayPass, "status 200 with an error inside: " + one_line(error));
  if (json.is_discarded() || !json.is_object())
    return problem(ReplyKind::kMayPass, "the reply is not JSON; it begins: " + one_line(body.substr(0, 60)));
  return dialect == Dialect::kOllama ? read_ollama(json) : read_openai(json);
}

}  // namespace ledgermill::enrich
