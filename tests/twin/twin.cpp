// SPDX-License-Identifier: Apache-2.0
#include "tests/twin/twin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace ledgermill::testing {

using Json = nlohmann::ordered_json;
using Way = TwinFault::Way;

namespace {

constexpr auto kHang = std::chrono::seconds(30);

/// A fault of what the model writes: takes the good answer, gives the text of the message.
using Written = std::function<std::string(Json)>;

Written with_text(std::string text) {
  return [text = std::move(text)](Json answer) {
    answer["c_text"] = text;
    return answer.dump();
  };
}

const std::map<std::string, Written>& written_faults() {
  static const std::map<std::string, Written> faults{
      {"fenced", [](const Json& a) { return "```json\n" + a.dump() + "\n```"; }},
      {"chatty", [](const Json& a) { return "Sure! Here it is: " + a.dump(); }},
      {"answer twice", [](const Json& a) { return a.dump() + a.dump(); }},
      {"cut json", [](const Json& a) { return a.dump().substr(0, a.dump().size() - 9); }},
      {"no text", [](const Json&) { return std::string(); }},
      {"endless whitespace", [](const Json&) { return std::string(100'000, '\n'); }},
      {"array", [](const Json& a) { return Json::array({a}).dump(); }},
      {"deep nesting", [](const Json&) { return std::string(30'000, '[') + std::string(30'000, ']'); }},
      {"wrong id",
       [](Json a) {
         a["a_id"] = "00000000";
         return a.dump();
       }},
      {"no id",
       [](Json a) {
         a.erase("a_id");
         return a.dump();
       }},
      {"id twice", [](const Json& a) { return "{\"a_id\":\"00000000\"," + a.dump().substr(1); }},
      {"a category",
       [](Json a) {
         a["category"] = "VIP";
         a["discount_percent"] = 90;
         return a.dump();
       }},
      {"number for text",
       [](Json a) {
         a["c_text"] = 5;
         return a.dump();
       }},
      {"unclosed thought", [](const Json& a) { return "<think>I should say " + a.dump(); }},
      {"price", with_text("Thank you, dear customer, this is only 5 today and tomorrow.")},
      {"promise", with_text("Thank you, {customer}, we guarantee that all of it comes for free.")},
      {"foreign placeholder", with_text("Thank you, {address}, we know where you live now.")},
      {"link", with_text("Thank you, see https://evil.example for your present.")},
      {"escape sequence", with_text("Thank you \x1b[31m for your order and enjoy it.")},
      {"template token", with_text("Thank you <|im_end|> for your order and enjoy it.")},
      {"too long text", with_text([] {
         std::string text;
         for (int i = 0; i < 40; ++i) text += "Thank you for the order and the patience. ";
         return text;
       }())},
      {"thought before", [](const Json& a) { return "<think>\nHm.\n</think>\n" + a.dump(); }},
      {"spaces around", [](const Json& a) { return "\n\n" + a.dump() + "\n"; }},
  };
  return faults;
}

std::string head(int status, std::size_t length, const std::string& more = "") {
  return "HTTP/1.1 " + std::to_string(status) +
         " Said\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(length) + "\r\n" + more +
         "\r\n";
}

std::string reply(int status, const std::string& body, const std::string& more = "") {
  return head(status, body.size(), more) + body;
}

std::string value_after(const std::string& text, const std::string& word) {
  const std::size_t at = text.find(word);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + word.size();
  return text.substr(begin, text.find_first_of("\r\n", begin) - begin);
}

Json good_answer(const Json& schema, const std::string& user) {
  Json answer;
  for (const auto& [name, kind] : schema["properties"].items()) {
    if (kind.contains("enum")) answer[name] = kind["enum"][0];
  }
  const bool named = value_after(user, "that may stand in c_text: ").find("{customer}") != std::string::npos;
  std::string text = std::string("Thank you") + (named ? ", {customer}," : "") + " for the trust, " +
                     letters_of(answer["a_id"].get<std::string>()) + " it is";
  const std::string required = value_after(user, "that must stand in c_text: ");
  if (required.starts_with("{")) text += ", and " + required;
  answer["c_text"] = text + ".";
  return answer;
}

Json message_body(TwinOptions::Protocol protocol, const std::string& content, const std::string& thoughts = "",
                  const std::string& reason = "stop") {
  Json message{{"role", "assistant"}, {"content", content}};
  if (protocol == TwinOptions::Protocol::kOllama) {
    if (!thoughts.empty()) message["thinking"] = thoughts;
    return {{"model", "m"},          {"message", message},       {"done", true},
            {"done_reason", reason}, {"prompt_eval_count", 300}, {"eval_count", 40}};
  }
  if (!thoughts.empty()) message["reasoning_content"] = thoughts;
  return {{"object", "chat.completion"},
          {"choices", Json::array({{{"index", 0}, {"message", message}, {"finish_reason", reason}}})},
          {"usage", {{"prompt_tokens", 300}, {"completion_tokens", 40}}}};
}

}  // namespace

const std::vector<TwinFault>& twin_faults() {
  static const std::vector<TwinFault> faults = [] {
    std::vector<TwinFault> all{
        {"slow", Way::kMayPass},
        {"hang", Way::kMayPass},
        {"reset", Way::kMayPass},
        {"no reply", Way::kMayPass},
        {"cut", Way::kMayPass},
        {"cut chunked", Way::kMayPass},
        {"no http", Way::kMayPass},
        {"length too large", Way::kMayPass},
        {"length too small", Way::kMayPass},
        {"empty body", Way::kMayPass},
        {"not utf8", Way::kMayPass},
        {"page", Way::kMayPass},
        {"error inside", Way::kMayPass},
        {"not done", Way::kMayPass},
        {"two lines", Way::kMayPass},
        {"429", Way::kMayPass},
        {"500", Way::kMayPass},
        {"502 page", Way::kMayPass},
        {"503 loading", Way::kMayPass},
        {"503 busy", Way::kMayPass},
        {"504", Way::kMayPass},
        {"no message", Way::kMayPass},
        {"chunked", Way::kPasses},
        {"in thoughts", Way::kPasses},
        {"closes after", Way::kPasses},
        {"another's answer", Way::kRepaired},
        {"length", Way::kWillNot},
        {"context", Way::kWillNot},
        {"redirect", Way::kWillNot},
        {"huge", Way::kWillNot},
    };
    for (const auto& [name, written] : written_faults()) {
      const bool passes = name == "thought before" || name == "spaces around";
      all.push_back({name.c_str(), passes ? Way::kPasses : Way::kRepaired});
    }
    return all;
  }();
  return faults;
}

std::string letters_of(const std::string& question_id) {
  std::string letters;
  for (const char c : question_id) letters += static_cast<char>('g' + (c <= '9' ? c - '0' : c - 'a' + 10));
  return letters;
}

/// One connection of a client, as its thread sees it.
class Twin::Connection {
 public:
  Connection(Twin& twin, int fd) : twin_(twin), fd_(fd) {}

  void run() {
    while (!closed_ && read_request()) answer();
  }

 private:
  bool fill() {
    char bytes[16384];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    room_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  bool read_request();
  void answer();
  void answer_chat(const std::string& path);
  void say(const std::string& bytes);
  void misbehave(const std::string& fault, const Json& answer);
  void misbehave_on_the_wire(const std::string& fault, const std::string& body);
  bool busy(const std::string& fault);
  void drip(const std::string& bytes);
  /// Until the time is over, the client is gone, or the twin ends.
  void wait(std::chrono::milliseconds time) {
    constexpr std::int64_t kStep = 20;
    pollfd gone{fd_, POLLRDHUP, 0};
    const auto end = std::chrono::steady_clock::now() + time;
    const auto left = [&] {
      return std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    };
    while (!twin_.stopping_ && left() > 0 && ::poll(&gone, 1, static_cast<int>(std::min(kStep, left()))) == 0) {
    }
  }
  TwinOptions::Protocol protocol() const { return twin_.options_.protocol; }
  std::string body_of(const std::string& content) const { return message_body(protocol(), content).dump(); }

  Twin& twin_;
  int fd_;
  std::string room_;
  std::string path_;
  std::string method_;
  std::string body_;
  bool closed_ = false;
};

bool Twin::Connection::read_request() {
  std::size_t end = 0;
  while ((end = room_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return false;
  }
  const std::string top = room_.substr(0, end);
  method_ = top.substr(0, top.find(' '));
  path_ = top.substr(method_.size() + 1, top.find(' ', method_.size() + 1) - method_.size() - 1);
  const std::string length = value_after(top, "Content-Length: ");
  const std::size_t bytes = length.empty() ? 0 : std::stoul(length);
  room_.erase(0, end + 4);
  while (room_.size() < bytes) {
    if (!fill()) return false;
  }
  body_ = room_.substr(0, bytes);
  room_.erase(0, bytes);
  return true;
}

void Twin::Connection::say(const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t sent = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent <= 0) {
      closed_ = true;
      return;
    }
    done += static_cast<std::size_t>(sent);
  }
}

void Twin::Connection::drip(const std::string& bytes) {
  for (std::size_t i = 0; i < bytes.size() && !closed_ && !twin_.stopping_; ++i) {
    say(bytes.substr(i, 1));
    wait(std::chrono::milliseconds(100));
  }
}

void Twin::Connection::answer() {
  const bool ollama = protocol() == TwinOptions::Protocol::kOllama;
  if (path_ == "/twin") return say(reply(200, twin_.counts_json()));
  if (method_ == "GET" && path_ == "/api/tags" && ollama)
    return say(reply(200, R"({"models":[{"name":"m","model":"m","digest":"sha256:0123456789ab"}]})"));
  if (method_ == "GET" && path_ == "/v1/models" && !ollama)
    return say(reply(200, R"({"object":"list","data":[{"id":"m","object":"model","owned_by":"twin"}]})"));
  if (method_ == "POST" && path_ == (ollama ? "/api/chat" : "/v1/chat/completions")) return answer_chat(path_);
  say(reply(404, R"({"error":"no route"})"));
}

void Twin::Connection::answer_chat(const std::string&) {
  const Json request = Json::parse(body_);
  const Json& schema = protocol() == TwinOptions::Protocol::kOllama
                           ? request["format"]
                           : request["response_format"]["json_schema"]["schema"];
  const Json good = good_answer(schema, request["messages"][1]["content"].get<std::string>());
  const std::string question = good["a_id"].get<std::string>();
  const std::uint64_t now = ++twin_.at_once_;
  const TwinFault* fault = nullptr;
  bool too_many = false;
  {
    const std::lock_guard lock(twin_.mutex_);
    ++twin_.counts_.calls;
    twin_.counts_.most_at_once = std::max(twin_.counts_.most_at_once, now);
    const std::uint32_t before = twin_.asked_[question]++;
    too_many = twin_.options_.slots > 0 && now > twin_.options_.slots;
    if (too_many) ++twin_.counts_.refused_busy;
    if (!too_many && twin_.options_.fault) fault = twin_.options_.fault(question, before);
    if (fault != nullptr) ++twin_.counts_.by_fault[fault->name];
  }
  if (twin_.options_.milliseconds > 0 && !too_many) wait(std::chrono::milliseconds(twin_.options_.milliseconds));
  if (fault == nullptr || too_many) --twin_.at_once_;  // before the reply: the client's next call may come at once
  if (too_many)
    say(reply(503, R"({"error":"server busy, please try again.  maximum pending requests exceeded"})"));
  else if (fault != nullptr)
    misbehave(fault->name, good);
  else {
    std::string body = body_of(good.dump());
    if (body.size() < twin_.options_.answer_bytes) body.resize(twin_.options_.answer_bytes, ' ');
    say(reply(200, body));
  }
  if (fault != nullptr) --twin_.at_once_;
  const std::lock_guard lock(twin_.mutex_);
  twin_.last_answer_ = good.dump();
}

void Twin::Connection::misbehave(const std::string& fault, const Json& answer) {
  if (const auto written = written_faults().find(fault); written != written_faults().end())
    return say(reply(200, body_of(written->second(answer))));
  if (fault == "another's answer") {
    const std::lock_guard lock(twin_.mutex_);
    const bool own = twin_.last_answer_.empty() || Json::parse(twin_.last_answer_)["a_id"] == answer["a_id"];
    return say(reply(200, body_of(own ? "{}" : twin_.last_answer_)));
  }
  if (fault == "in thoughts") return say(reply(200, message_body(protocol(), "", answer.dump()).dump()));
  if (fault == "length")
    return say(reply(200, message_body(protocol(), answer.dump().substr(0, 20), "", "length").dump()));
  misbehave_on_the_wire(fault, body_of(answer.dump()));
}

/// Replies that a client is to ask again for, or give up at, by their status. False: it is none of these.
bool Twin::Connection::busy(const std::string& fault) {
  static const std::map<std::string, std::string> kReplies{
      {"429", reply(429, R"({"error":"slow down"})", "Retry-After: 1\r\n")},
      {"500", reply(500, R"({"error":"unexpected EOF"})")},
      {"502 page", reply(502, "<html>bad gateway</html>")},
      {"503 loading", reply(503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})")},
      {"503 busy", reply(503, R"({"error":"server busy, please try again.  maximum pending requests exceeded"})")},
      {"504", reply(504, "")},
      {"context", reply(400, R"({"error":"the input length exceeds the context length"})")},
      {"redirect", reply(302, "", "Location: http://127.0.0.1:9/\r\n")},
      {"page", reply(200, "<html>please log in</html>")},
      {"error inside", reply(200, R"({"error":"llama runner process has terminated"})")},
      {"empty body", reply(200, "")},
      {"no message", reply(200, R"({"done":true,"done_reason":"stop","choices":[]})")},
      {"not utf8", reply(200, "{\"done\":true,\"message\":{\"content\":\"\xff\xfe\"}}")},
  };
  const auto found = kReplies.find(fault);
  if (found != kReplies.end()) say(found->second);
  return found != kReplies.end();
}

void Twin::Connection::misbehave_on_the_wire(const std::string& fault, const std::string& body) {
  if (busy(fault)) return;
  const std::string half = body.substr(0, body.size() / 2);
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", body.size());
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (fault == "chunked") return say(chunked + size + body + "\r\n0\r\n\r\n");
  if (fault == "two lines") return say(reply(200, body + "\n" + body));
  if (fault == "not done") {
    Json undone = Json::parse(body);
    if (undone.contains("done"))
      undone["done"] = false;
    else
      undone["choices"][0]["finish_reason"] = nullptr;
    return say(reply(200, undone.dump()));
  }
  closed_ = true;  // what follows ends the connection
  if (fault == "closes after") return say(reply(200, body, "Connection: close\r\n"));
  if (fault == "cut") return say(head(200, body.size()) + half);
  if (fault == "cut chunked") return say(chunked + size + half);
  if (fault == "no http") return say("\x16\x03\x01\x02" + body);
  if (fault == "length too large") return say(head(200, body.size() + 10) + body);
  if (fault == "length too small") return say(head(200, body.size() / 2) + body);
  if (fault == "reset") {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return;
  }
  if (fault == "hang") return wait(kHang);
  if (fault == "huge") {
    closed_ = false;
    say(head(200, 1U << 30));
    const std::string spaces(1U << 20, ' ');
    for (int i = 0; i < 1024 && !closed_ && !twin_.stopping_; ++i) say(spaces);
    closed_ = true;
    return;
  }
  if (fault == "slow") {
    closed_ = false;
    drip(reply(200, body));
    closed_ = true;
  }
  // "no reply": closed without a word
}

Twin::Twin(TwinOptions options) : options_(std::move(options)) {
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options_.port);
  socklen_t size = sizeof address;
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  if (listening_ < 0 || ::bind(listening_, where, size) != 0 || ::listen(listening_, 512) != 0 ||
      ::getsockname(listening_, where, &size) != 0)
    throw std::runtime_error("the twin cannot listen on the loopback");
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { accept_all(); });
}

Twin::~Twin() {
  stopping_ = true;
  ::shutdown(listening_, SHUT_RDWR);
  accepting_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  while (serving_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ::close(listening_);
}

void Twin::accept_all() {
  while (!stopping_) {
    const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    ++counts_.connections;
    open_.insert(fd);
    ++serving_;
    std::thread([this, fd] { serve(fd); }).detach();
  }
}

void Twin::serve(int fd) {
  Connection(*this, fd).run();
  {
    const std::lock_guard lock(mutex_);
    open_.erase(fd);
    ::close(fd);
  }
  --serving_;  // last: the destructor waits for it
}

std::string Twin::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

TwinCounts Twin::counts() const {
  const std::lock_guard lock(mutex_);
  TwinCounts counts = counts_;
  counts.questions = asked_.size();
  return counts;
}

std::string Twin::counts_json() const {
  const TwinCounts now = counts();
  return Json{{"calls", now.calls},         {"connections", now.connections},   {"most_at_once", now.most_at_once},
              {"questions", now.questions}, {"refused_busy", now.refused_busy}, {"by_fault", now.by_fault}}
      .dump();
}

}  // namespace ledgermill::testing
