// SPDX-License-Identifier: Apache-2.0
#include "enrich/answer_store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/failure.h"
#include "base/sha256.h"

namespace ledgermill::enrich {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr int kVersion = 1;
constexpr std::size_t kSumDigits = 16;

std::string sum_of(const std::string& text) { return Sha256::of(text).hex().substr(0, kSumDigits); }

Json to_json(const StoredAnswer& answer) {
  const Provenance& from = answer.provenance;
  return Json{{"v", kVersion},
              {"key", answer.key},
              {"question", answer.question},
              {"text", answer.answer.text},
              {"suggested_item", answer.answer.suggested_item},
              {"model", from.model},
              {"model_digest", from.model_digest},
              {"prompt_version", from.prompt_version},
              {"prompt_digest", from.prompt_digest},
              {"asked_at", from.asked_at},
              {"attempts", from.attempts},
              {"milliseconds", from.milliseconds},
              {"input_tokens", from.input_tokens},
              {"output_tokens", from.output_tokens},
              {"verdict", from.verdict}};
}

StoredAnswer from_json(const Json& json) {
  StoredAnswer answer;
  answer.key = json.at("key").get<std::string>();
  answer.question = json.at("question").get<std::string>();
  answer.answer = {json.at("text").get<std::string>(), json.at("suggested_item").get<std::string>()};
  Provenance& from = answer.provenance;
  from.model = json.at("model").get<std::string>();
  from.model_digest = json.at("model_digest").get<std::string>();
  from.prompt_version = json.at("prompt_version").get<std::uint64_t>();
  from.prompt_digest = json.at("prompt_digest").get<std::string>();
  from.asked_at = json.at("asked_at").get<std::string>();
  from.attempts = json.at("attempts").get<std::uint32_t>();
  from.milliseconds = json.at("milliseconds").get<std::uint64_t>();
  from.input_tokens = json.at("input_tokens").get<std::uint64_t>();
  from.output_tokens = json.at("output_tokens").get<std::uint64_t>();
  from.verdict = json.at("verdict").get<std::string>();
  return answer;
}

Failure cannot(const char* what, const fs::path& path) {
  return Failure(ReturnCode::kUnavailable, fmt::format("cannot {} '{}': {}", what, path.string(), errno_text(errno)));
}

std::string whole_file(int fd, const fs::path& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw cannot("read", path);
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  content.resize(read_some_at(fd, 0, std::as_writable_bytes(std::span(content)), path));
  return content;
}

UniqueFd open_store(const fs::path& path, AnswerStore::Access access) {
  const bool write = access == AnswerStore::Access::kWrite;
  if (write && !path.parent_path().empty()) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error)
      throw Failure(ReturnCode::kUnavailable,
                    fmt::format("cannot make the folder '{}': {}", path.parent_path().string(), error.message()));
  }
  UniqueFd fd(::open(path.c_str(), (write ? O_RDWR | O_CREAT | O_APPEND : O_RDONLY) | O_CLOEXEC, 0640));
  if (!fd && !write && errno == ENOENT) return fd;
  if (!fd) throw cannot("open", path);
  if (write && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw cannot("lock", path);
    throw Failure(ReturnCode::kUnavailable, fmt::format("another run is writing '{}'", path.string()),
                  "let it end, or give this one another --store");
  }
  return fd;
}

}  // namespace

std::string to_line(const StoredAnswer& answer) {
  Json json = to_json(answer);
  json["sum"] = sum_of(json.dump());
  return json.dump() + "\n";
}

std::optional<StoredAnswer> from_line(std::string_view line) {
  Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("sum") || !json["sum"].is_string())
    return std::nullopt;
  const std::string sum = json["sum"].get<std::string>();
  json.erase("sum");
  try {
    if (sum != sum_of(json.dump()) || json.at("v").get<int>() != kVersion) return std::nullopt;
    return from_json(json);
  } catch (const Json::exception&) {
    return std::nullopt;  // a line of ours whose sum is right has every key; this one is none
  }
}

AnswerStore::AnswerStore(fs::path file, Access access) : path_(std::move(file)), fd_(open_store(path_, access)) {
  if (!fd_) return;
  const std::string content = whole_file(fd_.get(), path_);
  std::size_t at = 0;
  for (std::size_t end = content.find('\n'); end != std::string::npos; end = content.find('\n', at)) {
    const auto answer = from_line(std::string_view(content).substr(at, end - at));
    if (answer) {
      model_digests_[answer->provenance.model] = answer->provenance.model_digest;
      answers_[answer->key] = *answer;
    } else {
      ++damaged_;
    }
    at = end + 1;
  }
  if (at < content.size() && access == Access::kWrite) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(at)) != 0) throw cannot("cut the torn last line of", path_);
  }
}

const StoredAnswer* AnswerStore::find(const std::string& key) const {
  const auto found = answers_.find(key);
  return found == answers_.end() ? nullptr : &found->second;
}

void AnswerStore::add(const StoredAnswer& answer) {
  const std::string line = to_line(answer);
  write_all(fd_.get(), std::as_bytes(std::span(line)), path_);
  unsynced_ = true;
  model_digests_[answer.provenance.model] = answer.provenance.model_digest;
  answers_[answer.key] = answer;
}

void AnswerStore::sync() {
  if (!unsynced_) return;
  if (::fdatasync(fd_.get()) != 0) throw cannot("sync", path_);
  unsynced_ = false;
}

std::string AnswerStore::last_digest_of(const std::string& model) const {
  const auto found = model_digests_.find(model);
  return found == model_digests_.end() ? "" : found->second;
}

}  // namespace ledgermill::enrich
