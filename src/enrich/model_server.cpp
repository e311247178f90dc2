// SPDX-License-Identifier: Apache-2.0
#include "enrich/model_server.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/failure.h"
#include "enrich/answer.h"

namespace ledgermill::enrich {

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr auto kMostBackoff = milliseconds(10'000);
constexpr long kMostRetryAfterSeconds = 60;
constexpr int kTickMs = 100;

/// What came back of one attempt, before it is understood.
struct Received {
  std::string body;
  std::size_t most_bytes = 0;
  bool too_long = false;
};

std::size_t receive(char* bytes, std::size_t size, std::size_t count, void* to) {
  auto& received = *static_cast<Received*>(to);
  const std::size_t length = size * count;
  if (received.body.size() + length > received.most_bytes) {
    received.too_long = true;
    return 0;  // ends the transfer with CURLE_WRITE_ERROR
  }
  received.body.append(bytes, length);
  return length;
}

struct EasyFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct MultiFree {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using Easy = std::unique_ptr<CURL, EasyFree>;
using Headers = std::unique_ptr<curl_slist, ListFree>;

template <class T>
void set(CURL* handle, CURLoption option, T value) {
  LM_CHECK(curl_easy_setopt(handle, option, value) == CURLE_OK, "libcurl takes the options that we give it");
}

Failure no_key(const std::string& problem) {
  return Failure(ReturnCode::kRefused, "the model server does not let us in: " + problem,
                 "give its key by --model-key-file FILE or LEDGERMILL_MODEL_KEY");
}

Failure no_model(const std::string& model, const std::string& problem) {
  return Failure(ReturnCode::kRefused, fmt::format("the model server does not have the model '{}': {}", model, problem),
                 fmt::format("on Ollama: ollama pull {}; or name another one by --model", model));
}

/// One attempt of one call on its way.
struct Attempt {
  bool sent = false;
  std::uint64_t most_cost = 0;  ///< in 10^-12 units
  Easy handle;
  Received received;
  Call call;
  std::string body;
  std::uint32_t number = 1;
  Clock::time_point begun;
};

/// A call that waits for its turn.
struct Waiting {
  Call call;
  std::uint32_t attempts = 0;  ///< made before
  Clock::time_point not_before;
  std::string problem;  ///< of the last attempt
};

/// Called before each request. Where a kept connection ends without a reply, libcurl would send the request once more
/// by itself: a call that nobody counted and the server may have charged. One attempt is one request; a further one is
/// made by us.
int before_request(void* attempt, char*, char*, int, int) {
  bool& sent = static_cast<Attempt*>(attempt)->sent;
  if (sent) return CURL_PREREQFUNC_ABORT;
  sent = true;
  return CURL_PREREQFUNC_OK;
}

}  // namespace

void ModelServerOptions::validate() const {
  const std::size_t scheme = url.find("://");
  const std::string name = url.substr(0, scheme == std::string::npos ? 0 : scheme);
  if (name != "http" && name != "https") {
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no address of a model server", without_hidden(url)),
                  "write it as http://127.0.0.1:11434");
  }
  const std::string authority = url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
  if (authority.empty() || authority.find('@') != std::string::npos || url.find_first_of("?#") != std::string::npos) {
    throw Failure(ReturnCode::kRefused, "the model server's address has no host, or a user, key or query in it",
                  "write it as https://host:port and give a key by --model-key-file FILE");
  }
  if (model.empty())
    throw Failure(ReturnCode::kRefused, "no model is named", "name it by --model, e.g. deepseek-r1:7b");
}

struct ModelServer::State {
  explicit State(ModelServerOptions the_options) : options(std::move(the_options)) {
    while (options.url.ends_with('/')) options.url.pop_back();
    if (options.url.ends_with("/v1")) options.url.resize(options.url.size() - 3);
    headers.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
    headers.reset(curl_slist_append(headers.release(), "Expect:"));  // no waiting for 100 Continue
    if (!options.api_key.empty())
      headers.reset(curl_slist_append(headers.release(), ("Authorization: Bearer " + options.api_key).c_str()));
  }

  ModelServerOptions options;
  Headers headers;
  CallCounts counts;

  Easy request(const std::string& path, std::uint32_t timeout_ms, Received& received) const;

  struct Got {
    CURLcode code = CURLE_OK;
    long status = 0;
    std::string body;
  };
  Got get(const std::string& path, std::uint32_t timeout_ms) const;
  std::optional<ServerDescription> as_ollama(std::uint32_t timeout_ms, ServerDescription& description) const;
  std::optional<ServerDescription> as_openai(std::uint32_t timeout_ms, ServerDescription& description) const;
};

Easy ModelServer::State::request(const std::string& path, std::uint32_t timeout_ms, Received& received) const {
  Easy handle(curl_easy_init());
  if (!handle) throw Failure(ReturnCode::kUnavailable, "no memory for a connection to the model server");
  set(handle.get(), CURLOPT_URL, (options.url + path).c_str());
  set(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle.get(), CURLOPT_FOLLOWLOCATION, 0L);
  set(handle.get(), CURLOPT_PROXY, "");
  set(handle.get(), CURLOPT_NOSIGNAL, 1L);
  set(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  set(handle.get(), CURLOPT_USERAGENT, "ledgermill");
  set(handle.get(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(options.connect_timeout_ms, timeout_ms)));
  set(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(std::max(1U, timeout_ms)));
  set(handle.get(), CURLOPT_WRITEFUNCTION, &receive);
  set(handle.get(), CURLOPT_WRITEDATA, static_cast<void*>(&received));
  return handle;
}

ModelServer::State::Got ModelServer::State::get(const std::string& path, std::uint32_t timeout_ms) const {
  constexpr std::size_t kMostBytes = 4U << 20;
  Received received;
  received.most_bytes = kMostBytes;
  const Easy handle = request(path, timeout_ms, received);
  Got got;
  got.code = curl_easy_perform(handle.get());
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &got.status);
  got.body = std::move(received.body);
  return got;
}

/// Nothing where this is no Ollama.
std::optional<ServerDescription> ModelServer::State::as_ollama(std::uint32_t timeout_ms,
                                                               ServerDescription& description) const {
  const Got tags = get("/api/tags", timeout_ms);
  const Json json = Json::parse(tags.body, nullptr, false);
  if (tags.code != CURLE_OK || tags.status != 200 || !json.is_object() || !json.contains("models") ||
      !json["models"].is_array())
    return std::nullopt;
  description.dialect = Dialect::kOllama;
  std::string known;
  for (const Json& model : json["models"]) {
    const std::string name = model.is_object() ? model.value("name", "") : "";
    if (name == options.model || name == options.model + ":latest") {
      description.model_digest = model.value("digest", "");
      return description;
    }
    known += (known.empty() ? "" : ", ") + without_hidden(name);
  }
  throw no_model(options.model, known.empty() ? "it has none" : "it has " + known);
}

std::optional<ServerDescription> ModelServer::State::as_openai(std::uint32_t timeout_ms,
                                                               ServerDescription& description) const {
  const Got models = get("/v1/models", timeout_ms);
  if (models.status == 401 || models.status == 403) throw no_key(fmt::format("HTTP status {}", models.status));
  const Json json = Json::parse(models.body, nullptr, false);
  if (models.code != CURLE_OK || models.status != 200 || !json.is_object() || !json.contains("data") ||
      !json["data"].is_array())
    return std::nullopt;
  description.dialect = Dialect::kOpenAi;
  std::string known;
  for (const Json& model : json["data"]) {
    if (!model.is_object()) continue;
    const std::string id = model.value("id", "");
    const std::string owner =
        model.contains("owned_by") && model["owned_by"].is_string() ? model["owned_by"].get<std::string>() : "";
    if (id == options.model) {
      if (owner == "llamacpp" || owner == "vllm") description.thinking = CallSettings::Thinking::kTurnOff;
      return description;
    }
    known += (known.empty() ? "" : ", ") + without_hidden(id);
  }
  throw no_model(options.model, known.empty() ? "it has none" : "it has " + known.substr(0, 500));
}

ModelServer::ModelServer(ModelServerOptions options) {
  options.validate();
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  LM_CHECK(ready == CURLE_OK, "libcurl starts");
  state_ = std::make_unique<State>(std::move(options));
}
ModelServer::~ModelServer() = default;

const CallCounts& ModelServer::counts() const { return state_->counts; }

ServerDescription ModelServer::describe(std::uint32_t timeout_ms) {
  State& s = *state_;
  ServerDescription description;
  const State::Got first = s.get("/", timeout_ms);
  if (first.code != CURLE_OK && first.code != CURLE_WRITE_ERROR && first.code != CURLE_PARTIAL_FILE) {
    description.dialect = s.options.dialect.value_or(Dialect::kOllama);
    description.problem = fmt::format("{}: {}", s.options.url, curl_easy_strerror(first.code));
    return description;
  }
  description.reachable = true;
  const bool both = !s.options.dialect;
  if (both || *s.options.dialect == Dialect::kOllama) {
    if (const auto found = s.as_ollama(timeout_ms, description)) return *found;
  }
  if (both || *s.options.dialect == Dialect::kOpenAi) {
    if (const auto found = s.as_openai(timeout_ms, description)) return *found;
  }
  if (s.options.dialect) {  // named: believed, though the list of models cannot be had
    description.dialect = *s.options.dialect;
    return description;
  }
  throw Failure(ReturnCode::kRefused,
                fmt::format("'{}' answers neither /api/tags (Ollama) nor /v1/models (OpenAI)", s.options.url),
                "is it a model server? name its protocol by --dialect ollama or --dialect openai");
}

namespace {

/// One round of calls: those that wait, those on their way, and what became of the server.
class Round {
 public:
  using Request = std::function<Easy(const std::string&, std::uint32_t, Received&)>;

  Round(const CallSettings& settings, const CallLimits& limits, Request request, CallCounts& counts)
      : settings_(settings),
        limits_(limits),
        request_(std::move(request)),
        counts_(counts),
        multi_(curl_multi_init()),
        window_(limits.in_flight) {
    if (!multi_) throw Failure(ReturnCode::kUnavailable, "no memory for connections to the model server");
  }
  ~Round() {
    for (auto& [handle, attempt] : running_) curl_multi_remove_handle(multi_.get(), handle);
  }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  using Ended = std::function<std::optional<Call>(const Call&, const CallOutcome&)>;
  void run(std::vector<Call> calls, const Ended& ended, const std::function<void()>& tick);

 private:
  void begin_those_due();
  void begin(Waiting waiting);
  void collect(const Ended& ended);
  void end_attempt(Attempt attempt, CURLcode code, const Ended& ended);
  void give_up_all_waiting(const std::string& why, const Ended& ended);
  Reply understood(const Attempt& attempt, CURLcode code, long status) const;
  milliseconds backoff(const Attempt& attempt) const;
  std::string why_no_more() const;
  void tell(const Call& call, const CallOutcome& outcome, const Ended& ended);
  bool has_room() const { return static_cast<double>(running_.size()) + 1 <= window_; }
  void adapt(const Attempt& attempt, CURLcode code, long status);
  std::uint64_t most_cost(const Call& call) const;
  bool is_within_budget(const Call& call) const;

  const CallSettings& settings_;
  const CallLimits& limits_;
  Request request_;
  CallCounts& counts_;
  std::unique_ptr<CURLM, MultiFree> multi_;
  std::map<CURL*, std::unique_ptr<Attempt>> running_;
  std::deque<Waiting> waiting_;
  std::uint32_t silent_ = 0;  // attempts in a row without any reply
  std::string last_silence_;
  std::uint64_t spent_ = 0;     // in 10^-12 units, of the attempts that ended
  std::uint64_t reserved_ = 0;  // of those on their way, at most
  bool budget_is_used_ = false;
  double window_;  // calls at once now, 1 to in_flight
  Clock::time_point narrowed_;
};

/// Additive increase, multiplicative decrease: a server that says that it is busy, or does not answer in time, is asked
/// half as much at once, and one call more for each window of answers. What was sent before the window was narrowed
/// tells nothing of the new one.
void Round::adapt(const Attempt& attempt, CURLcode code, long status) {
  constexpr long kTooManyRequests = 429;
  constexpr long kUnavailable = 503;
  if (status == kTooManyRequests || status == kUnavailable || code == CURLE_OPERATION_TIMEDOUT) {
    if (attempt.begun < narrowed_) return;
    window_ = std::max(1.0, window_ / 2);
    narrowed_ = Clock::now();
  } else if (code == CURLE_OK) {
    window_ = std::min<double>(limits_.in_flight, window_ + 1 / window_);
  }
}

/// Why nothing more is sent; "" while something may be.
std::string Round::why_no_more() const {
  if (limits_.deadline && Clock::now() >= *limits_.deadline) return "the deadline has passed";
  if (limits_.most_calls && counts_.attempts >= *limits_.most_calls) return "the limit of calls is reached";
  if (budget_is_used_) return "the limit of cost is reached: the next call might pass it";
  if (silent_ >= limits_.breaker)
    return fmt::format("the server is down: {} attempts in a row got no reply, the last: {}", silent_, last_silence_);
  return "";
}

/// A token is at least one byte; the server's chat template adds some.
std::uint64_t Round::most_cost(const Call& call) const {
  constexpr std::uint64_t kTemplateTokens = 256;
  if (!limits_.budget) return 0;
  const std::uint64_t input = call.prompt.system.size() + call.prompt.user.size() + kTemplateTokens;
  return input * limits_.budget->input + settings_.answer_tokens * limits_.budget->output;
}

bool Round::is_within_budget(const Call& call) const {
  return !limits_.budget || spent_ + reserved_ + most_cost(call) <= limits_.budget->most;
}

void Round::begin(Waiting waiting) {
  auto attempt = std::make_unique<Attempt>();
  attempt->most_cost = most_cost(waiting.call);
  reserved_ += attempt->most_cost;
  attempt->call = std::move(waiting.call);
  attempt->number = waiting.attempts + 1;
  attempt->received.most_bytes = limits_.response_bytes;
  attempt->body = request_body(settings_, attempt->call.prompt);
  attempt->begun = Clock::now();
  std::uint32_t timeout_ms = limits_.timeout_ms;
  if (limits_.deadline) {
    const auto left = std::chrono::duration_cast<milliseconds>(*limits_.deadline - attempt->begun).count();
    timeout_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 1, timeout_ms));
  }
  attempt->handle = request_(chat_path(settings_.dialect), timeout_ms, attempt->received);
  set(attempt->handle.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(attempt->body.size()));
  set(attempt->handle.get(), CURLOPT_POSTFIELDS, attempt->body.c_str());
  set(attempt->handle.get(), CURLOPT_PREREQFUNCTION, &before_request);
  set(attempt->handle.get(), CURLOPT_PREREQDATA, static_cast<void*>(attempt.get()));
  LM_CHECK(curl_multi_add_handle(multi_.get(), attempt->handle.get()) == CURLM_OK, "libcurl takes a new transfer");
  ++counts_.attempts;
  if (attempt->number > 1) ++counts_.retries;
  CURL* const handle = attempt->handle.get();
  running_.emplace(handle, std::move(attempt));
}

/// Calls that wait for their time stand behind those that do not.
void Round::begin_those_due() {
  const auto now = Clock::now();
  for (std::size_t looked = waiting_.size(); looked > 0 && has_room(); --looked) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    const bool affordable = is_within_budget(next.call);
    if (!affordable && running_.empty()) budget_is_used_ = true;  // what is on its way may turn out cheaper
    if (next.not_before > now || !affordable || !why_no_more().empty())
      waiting_.push_back(std::move(next));
    else
      begin(std::move(next));
  }
}

Reply Round::understood(const Attempt& attempt, CURLcode code, long status) const {
  Reply reply;
  if (attempt.received.too_long) {
    reply.kind = ReplyKind::kWillNot;
    reply.problem = fmt::format("the reply is longer than {} bytes", limits_.response_bytes);
  } else if (code != CURLE_OK) {
    reply.problem = code == CURLE_OPERATION_TIMEDOUT    ? fmt::format("no whole reply within {} ms", limits_.timeout_ms)
                    : code == CURLE_ABORTED_BY_CALLBACK ? "the connection was closed before a reply"
                                                        : std::string(curl_easy_strerror(code));
  } else {
    reply = read_reply(settings_.dialect, status, attempt.received.body);
  }
  return reply;
}

/// Doubled at each attempt, and spread by up to a quarter so that calls that failed together do not return together.
milliseconds Round::backoff(const Attempt& attempt) const {
  curl_off_t retry_after = 0;
  curl_easy_getinfo(attempt.handle.get(), CURLINFO_RETRY_AFTER, &retry_after);
  if (retry_after > 0)
    return std::chrono::seconds(std::min<long>(static_cast<long>(retry_after), kMostRetryAfterSeconds));
  const auto doubled = milliseconds(static_cast<std::int64_t>(limits_.backoff_ms) << std::min(attempt.number - 1, 10U));
  const auto wait = std::min(doubled, kMostBackoff);
  const auto spread = static_cast<std::int64_t>((attempt.call.number * 2654435761U + attempt.number * 40503U) % 256);
  return wait + wait * spread / 1024;
}

void Round::tell(const Call& call, const CallOutcome& outcome, const Ended& ended) {
  // In front: what was begun is ended first, so a run that stops early leaves few questions half asked.
  if (auto further = ended(call, outcome)) waiting_.push_front({std::move(*further), 0, Clock::now(), ""});
}

void Round::end_attempt(Attempt attempt, CURLcode code, const Ended& ended) {
  long status = 0;
  curl_easy_getinfo(attempt.handle.get(), CURLINFO_RESPONSE_CODE, &status);
  CallOutcome outcome{understood(attempt, code, status), attempt.number, 0};
  outcome.milliseconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(Clock::now() - attempt.begun).count());
  adapt(attempt, code, status);
  reserved_ -= attempt.most_cost;
  if (limits_.budget) {
    const bool said = outcome.reply.input_tokens + outcome.reply.output_tokens > 0;
    spent_ +=
        said ? outcome.reply.input_tokens * limits_.budget->input + outcome.reply.output_tokens * limits_.budget->output
             : attempt.most_cost;
  }
  counts_.input_tokens += outcome.reply.input_tokens;
  counts_.output_tokens += outcome.reply.output_tokens;
  if (status == 0) {
    ++silent_;
    last_silence_ = outcome.reply.problem;
  } else {
    silent_ = 0;
  }
  if (outcome.reply.kind == ReplyKind::kNotAllowed) throw no_key(outcome.reply.problem);
  if (outcome.reply.kind == ReplyKind::kNoModel) throw no_model(settings_.model, outcome.reply.problem);
  if (outcome.reply.kind == ReplyKind::kMayPass && attempt.number < limits_.attempts) {
    waiting_.push_back(
        {std::move(attempt.call), attempt.number, Clock::now() + backoff(attempt), outcome.reply.problem});
    return;
  }
  tell(attempt.call, outcome, ended);
}

void Round::collect(const Ended& ended) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto found = running_.find(message->easy_handle);
    LM_CHECK(found != running_.end(), "libcurl ends only what was begun");
    curl_multi_remove_handle(multi_.get(), message->easy_handle);
    Attempt attempt = std::move(*found->second);
    running_.erase(found);
    end_attempt(std::move(attempt), code, ended);
  }
}

void Round::give_up_all_waiting(const std::string& why, const Ended& ended) {
  std::deque<Waiting> all;
  all.swap(waiting_);
  for (const Waiting& waiting : all) {
    CallOutcome outcome;
    outcome.attempts = waiting.attempts;
    outcome.reply.problem = waiting.problem.empty() || silent_ >= limits_.breaker
                                ? why
                                : fmt::format("{}; the last attempt: {}", why, waiting.problem);
    ended(waiting.call, outcome);  // a further call would not be made either
  }
}

void Round::run(std::vector<Call> calls, const Ended& ended, const std::function<void()>& tick) {
  for (Call& call : calls) waiting_.push_back({std::move(call), 0, Clock::now(), ""});
  auto next_tick = Clock::now();
  while (!waiting_.empty() || !running_.empty()) {
    if (const std::string why = why_no_more(); !why.empty()) give_up_all_waiting(why, ended);
    begin_those_due();
    int still = 0;
    LM_CHECK(curl_multi_perform(multi_.get(), &still) == CURLM_OK, "libcurl's loop runs");
    collect(ended);
    if (Clock::now() >= next_tick) {
      begin_those_due();  // a tick may take some milliseconds: the server is not to wait for it
      LM_CHECK(curl_multi_perform(multi_.get(), &still) == CURLM_OK, "libcurl's loop runs");
      tick();
      next_tick = Clock::now() + milliseconds(kTickMs);
    }
    const bool room = has_room() && !waiting_.empty() && waiting_.front().not_before <= Clock::now() &&
                      (is_within_budget(waiting_.front().call) || running_.empty());
    if (!room && (!running_.empty() || !waiting_.empty()))
      curl_multi_poll(multi_.get(), nullptr, 0, kTickMs / 2, nullptr);
  }
}

}  // namespace

void ModelServer::call(std::vector<Call> calls, const CallSettings& settings, const CallLimits& limits,
                       const std::function<std::optional<Call>(const Call&, const CallOutcome&)>& ended,
                       const std::function<void()>& tick) {
  State& s = *state_;
  Round round(
      settings, limits,
      [&s](const std::string& path, std::uint32_t timeout_ms, Received& received) {
        return s.request(path, timeout_ms, received);
      },
      s.counts);
  round.run(std::move(calls), ended, tick);
}

}  // namespace ledgermill::enrich
