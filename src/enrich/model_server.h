// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "enrich/dialect.h"

namespace ledgermill::enrich {

struct ModelServerOptions {
  std::string url;                 ///< http://127.0.0.1:11434
  std::string model;               ///< as the server names it
  std::optional<Dialect> dialect;  ///< found out when absent
  std::string api_key;             ///< "" for none; sent as a bearer token, shown nowhere
  std::uint32_t connect_timeout_ms = 5000;

  /// Failure (RC 8): no http(s) URL, a user or key in it, no model.
  void validate() const;
};

/// How calls are made.
struct CallLimits {
  std::uint32_t in_flight = 4;        ///< at most; fewer while the server says that it is busy (429, 503) or is late
  std::uint32_t attempts = 4;         ///< of one call, the first included
  std::uint32_t timeout_ms = 120000;  ///< of one attempt, from the request to the last byte
  std::uint32_t response_bytes = 262144;
  std::optional<std::uint64_t> most_calls;  ///< attempts of all calls together
  std::optional<std::chrono::steady_clock::time_point> deadline;
  /// What the tokens of all calls together may cost. What is in flight counts as its most: a token is at least one
  /// byte.
  struct Budget {
    std::uint64_t input = 0;   ///< price of a token, in 10^-12 units
    std::uint64_t output = 0;  ///< likewise
    std::uint64_t most = 0;    ///< in 10^-12 units
  };
  std::optional<Budget> budget;
  std::uint32_t breaker = 8;  ///< after so many attempts in a row without any reply the server is taken to be down
  std::uint32_t backoff_ms =
      250;  ///< doubled at each attempt, at most 10 s; a server's Retry-After of up to 60 s holds
};

/// What the server told of itself.
struct ServerDescription {
  bool reachable = false;
  Dialect dialect = Dialect::kOllama;
  std::string model_digest;  ///< "" where the server tells none
  std::string problem;       ///< why it is not reachable
  CallSettings::Thinking thinking = CallSettings::Thinking::kLeaveAlone;
};

/// How one call ended.
struct CallOutcome {
  Reply reply;  ///< kText or kWillNot, or kMayPass when attempts, calls or time ran out or the server is down
  std::uint32_t attempts = 0;
  std::uint64_t milliseconds = 0;  ///< of the last attempt
};

/// A call to make. `number` is the caller's.
struct Call {
  std::size_t number = 0;
  Prompt prompt;
};

struct CallCounts {
  std::uint64_t attempts = 0;  ///< requests sent
  std::uint64_t retries = 0;   ///< of them, after a first attempt
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
};

/// A model server, over HTTP. One thread: calls run at once through one event loop. Redirects are not followed and no
/// proxy is used, so a question goes to the address that was named and nowhere else.
class ModelServer {
 public:
  /// Failure (RC 8): options that cannot be.
  explicit ModelServer(ModelServerOptions options);
  ModelServer(const ModelServer&) = delete;
  ModelServer& operator=(const ModelServer&) = delete;
  ~ModelServer();

  /// Asks the server what it is. Not reachable is an outcome. Failure (RC 8): it speaks neither dialect, does not have
  /// the model (lists those it has), or wants another key.
  ServerDescription describe(std::uint32_t timeout_ms);

  /// Makes all calls, `in_flight` at a time. `ended` is called for each as it ends, in the order in which they end, and
  /// may give a further call to make. `tick` is called some times a second and may throw to stop.
  /// Failure (RC 8): the server says that the model is not there, or that the key is not good.
  void call(std::vector<Call> calls, const CallSettings& settings, const CallLimits& limits,
            const std::function<std::optional<Call>(const Call&, const CallOutcome&)>& ended,
            const std::function<void()>& tick);

  const CallCounts& counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ledgermill::enrich
