// SPDX-License-Identifier: Apache-2.0
#include "enrich/dialect.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/failure.h"
#include "enrich/model_server.h"
#include "tests/enrich/orders.h"

namespace ledgermill::testing {
namespace {

using enrich::Dialect;
using enrich::ReplyKind;
using Json = nlohmann::ordered_json;

Json body(Dialect dialect) {
  const auto definition = orders_enrichment();
  enrich::CallSettings settings;
  settings.dialect = dialect;
  settings.model = "m";
  return Json::parse(
      enrich::request_body(settings, enrich::prompt_for(definition, question(definition, "VIP", "Lamp"))));
}

TEST(Dialect, OllamaIsAskedNeverToCutAndNeverToThink) {
  const Json json = body(Dialect::kOllama);
  EXPECT_EQ(json["truncate"], false);
  EXPECT_EQ(json["shift"], false);
  EXPECT_EQ(json["think"], false);
  EXPECT_EQ(json["stream"], false);
  EXPECT_EQ(json["options"]["temperature"], 0);
  EXPECT_EQ(json["options"]["num_ctx"], 4096);
  EXPECT_EQ(json["format"]["type"], "object");
  EXPECT_EQ(json["messages"].size(), 2U);
  EXPECT_EQ(json["messages"][0]["role"], "system");
}

TEST(Dialect, OpenAiIsGivenAStrictSchema) {
  const Json json = body(Dialect::kOpenAi);
  EXPECT_EQ(json["response_format"]["type"], "json_schema");
  EXPECT_EQ(json["response_format"]["json_schema"]["strict"], true);
  EXPECT_EQ(json["response_format"]["json_schema"]["schema"]["additionalProperties"], false);
  EXPECT_FALSE(json.contains("chat_template_kwargs")) << "OpenAI refuses what it does not know";
  EXPECT_FALSE(json.contains("think"));
}

TEST(Dialect, RepliesAreUnderstood) {
  struct Case {
    Dialect dialect;
    long status;
    const char* body;
    ReplyKind kind;
  };
  const Case cases[] = {
      {Dialect::kOllama, 200, R"({"message":{"content":"x"},"done":true,"done_reason":"stop"})", ReplyKind::kText},
      {Dialect::kOllama, 200, R"({"message":{"content":"x"},"done":true,"done_reason":"length"})", ReplyKind::kWillNot},
      {Dialect::kOllama, 200, R"({"message":{"content":"x"},"done":false})", ReplyKind::kMayPass},
      {Dialect::kOllama, 200, R"({"done":true})", ReplyKind::kMayPass},
      {Dialect::kOllama, 200, R"({"error":"unexpected EOF"})", ReplyKind::kMayPass},
      {Dialect::kOllama, 200, R"({"message":{"content":"x)", ReplyKind::kMayPass},
      {Dialect::kOllama, 200, "<html>busy</html>", ReplyKind::kMayPass},
      {Dialect::kOllama, 200, "", ReplyKind::kMayPass},
      {Dialect::kOllama, 200, "[]", ReplyKind::kMayPass},
      {Dialect::kOllama, 404, R"({"error":"model 'm' not found"})", ReplyKind::kNoModel},
      {Dialect::kOllama, 400, R"({"error":"the prompt is too long"})", ReplyKind::kWillNot},
      {Dialect::kOllama, 503, R"({"error":"server busy"})", ReplyKind::kMayPass},
      {Dialect::kOllama, 429, "", ReplyKind::kMayPass},
      {Dialect::kOllama, 401, "", ReplyKind::kNotAllowed},
      {Dialect::kOllama, 302, "", ReplyKind::kWillNot},
      {Dialect::kOpenAi, 200, R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]})", ReplyKind::kText},
      {Dialect::kOpenAi, 200, R"({"choices":[{"message":{"content":"x"},"finish_reason":"length"}]})",
       ReplyKind::kWillNot},
      {Dialect::kOpenAi, 200, R"({"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]})",
       ReplyKind::kWillNot},
      {Dialect::kOpenAi, 200, R"({"choices":[{"message":{"content":"x"},"finish_reason":"content_filter"}]})",
       ReplyKind::kWillNot},
      {Dialect::kOpenAi, 200, R"({"choices":[{"message":{"content":"x"},"finish_reason":null}]})", ReplyKind::kMayPass},
      {Dialect::kOpenAi, 200, R"({"choices":[]})", ReplyKind::kMayPass},
      {Dialect::kOpenAi, 200, R"({"error":{"message":"overloaded"}})", ReplyKind::kMayPass},
      {Dialect::kOpenAi, 200, R"({"object":"error","message":"bad"})", ReplyKind::kMayPass},
      {Dialect::kOpenAi, 503, R"({"error":{"code":503,"message":"Loading model"}})", ReplyKind::kMayPass},
  };
  for (const Case& one : cases) {
    const auto reply = enrich::read_reply(one.dialect, one.status, one.body);
    EXPECT_EQ(reply.kind, one.kind) << one.status << " " << one.body;
    EXPECT_EQ(reply.problem.empty(), one.kind == ReplyKind::kText) << one.body;
  }
}

TEST(Dialect, AnAnswerInTheFieldForThoughtsIsFoundOnlyWhereTheRightOneIsEmpty) {
  auto reply = enrich::read_reply(
      Dialect::kOpenAi, 200,
      R"({"choices":[{"message":{"content":null,"reasoning_content":"{}"},"finish_reason":"stop"}]})");
  EXPECT_EQ(reply.text, "{}");
  EXPECT_TRUE(reply.from_thinking);
  reply = enrich::read_reply(
      Dialect::kOllama, 200,
      R"({"message":{"content":"a","thinking":"b"},"done":true,"done_reason":"stop","eval_count":7})");
  EXPECT_EQ(reply.text, "a");
  EXPECT_FALSE(reply.from_thinking);
  EXPECT_EQ(reply.output_tokens, 7U);
}

TEST(ModelServerOptions, AnAddressHoldsNoSecretAndNoOtherProtocol) {
  const auto refused = [](const char* url) {
    enrich::ModelServerOptions options;
    options.url = url;
    options.model = "m";
    try {
      options.validate();
    } catch (const Failure& failure) {
      return failure.code() == ReturnCode::kRefused && failure.fact().find("secret") == std::string::npos;
    }
    return false;
  };
  EXPECT_FALSE(refused("http://127.0.0.1:11434"));
  EXPECT_FALSE(refused("https://models.example/v1/"));
  EXPECT_TRUE(refused("ftp://a"));
  EXPECT_TRUE(refused("file:///etc/passwd"));
  EXPECT_TRUE(refused("127.0.0.1:11434"));
  EXPECT_TRUE(refused("http://user:secret@host"));
  EXPECT_TRUE(refused("http://host/?key=secret"));
  EXPECT_TRUE(refused("http://"));
}

}  // namespace
}  // namespace ledgermill::testing
