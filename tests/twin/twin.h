// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace ledgermill::testing {

/// What the twin does to a call instead of answering it.
struct TwinFault {
  /// How a client is to end the call: kPasses: the answer is good all the same; kMayPass: it asks again; kRepaired: it
  /// does not believe the text and asks once more; kWillNot: it gives up.
  enum class Way : std::uint8_t { kPasses, kMayPass, kRepaired, kWillNot };
  const char* name;
  Way way;
};
const std::vector<TwinFault>& twin_faults();

struct TwinOptions {
  enum class Protocol : std::uint8_t { kOllama, kOpenAi } protocol = Protocol::kOllama;
  std::uint16_t port = 0;          ///< 0: any that is free
  std::uint32_t milliseconds = 0;  ///< that an answer takes
  std::uint32_t answer_bytes = 0;  ///< a body is filled up to it with spaces behind the JSON; 0: as it comes
  std::uint32_t slots = 0;         ///< so many calls are worked on; more get 503. 0: no limit
  /// The fault of a call, by the question's id and how often it was asked before; nullptr: none. Called by one thread
  /// at a time.
  std::function<const TwinFault*(const std::string& question, std::uint32_t asked_before)> fault;
};

/// What happened at the twin.
struct TwinCounts {
  std::uint64_t calls = 0;
  std::uint64_t connections = 0;
  std::uint64_t most_at_once = 0;
  std::uint64_t questions = 0;  ///< distinct ids
  std::uint64_t refused_busy = 0;
  std::map<std::string, std::uint64_t> by_fault;
};

/// The protocol twin of a model server: HTTP/1.1 over sockets of the loopback, on the routes of Ollama (/api/tags,
/// /api/chat; github.com/ollama/ollama, docs/api.md) and of OpenAI (/v1/models, /v1/chat/completions). It is no model:
/// it answers by a rule, from the request's own schema, and does wrong what `fault` says. Every text that it writes
/// names its question in letters (`letters_of`), so that a wrong join is seen. GET /twin gives the counts as JSON.
class Twin {
 public:
  explicit Twin(TwinOptions options);
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;
  ~Twin();

  std::uint16_t port() const { return port_; }
  std::string url() const;
  TwinCounts counts() const;
  std::string counts_json() const;

 private:
  class Connection;
  void accept_all();
  void serve(int fd);

  TwinOptions options_;
  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> at_once_{0};
  mutable std::mutex mutex_;
  TwinCounts counts_;
  std::map<std::string, std::uint32_t> asked_;
  std::set<int> open_;
  std::string last_answer_;      ///< of any question, for the fault that gives another's answer
  std::atomic<int> serving_{0};  ///< threads, one a connection
  std::thread accepting_;
};

/// The 8 hex digits of a question's id as 8 letters, g to v.
std::string letters_of(const std::string& question_id);

}  // namespace ledgermill::testing
