// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "enrich/question.h"

namespace ledgermill::enrich {

/// The protocols of model servers that are spoken.
enum class Dialect : std::uint8_t {
  kOllama,  ///< POST /api/chat with `format` = schema (github.com/ollama/ollama, docs/api.md)
  kOpenAi,  ///< POST /v1/chat/completions with response_format json_schema: OpenAI, vLLM, llama-server, SGLang
};
const char* dialect_name(Dialect dialect);

/// What is the same for every call of a run. Ollama loads the model anew when context_tokens changes between calls.
struct CallSettings {
  Dialect dialect = Dialect::kOllama;
  std::string model;
  std::uint32_t context_tokens = 4096;
  std::uint32_t answer_tokens = 200;
  /// kOpenAi: whether chat_template_kwargs {"enable_thinking": false} is understood (llama-server, vLLM); OpenAI
  /// refuses parameters that it does not know.
  enum class Thinking : std::uint8_t { kLeaveAlone, kTurnOff } thinking = Thinking::kLeaveAlone;
};

/// "/api/chat"
const char* chat_path(Dialect dialect);
std::string request_body(const CallSettings& settings, const Prompt& prompt);

/// What a reply means for the caller.
enum class ReplyKind : std::uint8_t {
  kText,       ///< the model wrote something; whether it is believed is another matter
  kMayPass,    ///< the same call may succeed later
  kWillNot,    ///< it will not: too long, refused, cut at the token limit
  kNoModel,    ///< the server does not have the model
  kNotAllowed  ///< it wants another key
};

struct Reply {
  ReplyKind kind = ReplyKind::kMayPass;
  std::string text;     ///< kText
  std::string problem;  ///< everything else: one line
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  bool from_thinking = false;  ///< the text stood in the field for thoughts, and the one for the answer was empty
};

/// Reads a whole reply. 200 with an error inside, a reply that is not JSON (a proxy's page), half a reply and one cut
/// at the token limit are recognised.
Reply read_reply(Dialect dialect, long http_status, std::string_view body);

}  // namespace ledgermill::enrich
