// SPDX-License-Identifier: Apache-2.0
#include "rules/module_judge.h"

#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <new>
#include <optional>

#include "base/check.h"
#include "base/failure.h"
#include "rules/judge/judge_process.h"
#include "rules/module_layout.h"

namespace ledgermill::rules {

namespace {

constexpr int kLookMs = 20;                   // how often a waiting worker looks whether its judge lives
constexpr int kMostStartMs = 20'000;          // loading libcob and a module takes 1; a stalled machine more
constexpr std::int64_t kLeastSearchMs = 100;  // processor time of a small window while the guilty record is searched
constexpr std::int64_t kWallFactor = 30;      // wall time against processor time: a stalled machine convicts nobody

std::int64_t nanoseconds_of(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return 0;
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// A shared anonymous mapping.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes) : bytes_(bytes) {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw Failure(ReturnCode::kUnavailable, "no memory for a judge's channel: " + errno_text(errno));
    memory_ = static_cast<std::byte*>(memory);
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { ::munmap(memory_, bytes_); }
  std::byte* data() { return memory_; }

 private:
  std::byte* memory_;
  std::size_t bytes_;
};

enum class CallOutcome : std::uint8_t { kDone, kDied, kOverran };

/// Records of a block, counted from 0, both included.
struct RecordWindow {
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t size() const { return last - first + 1; }
};

}  // namespace

struct ModuleJudge::State {
  ModuleImage image;
  RuleModule module;
  RecordBlock& block;
  SharedMemory channel_memory{sizeof(JudgeChannel)};
  SharedMemory flag_memory;
  JudgeChannel& channel;
  std::span<std::byte> flags;                          // rules × kCapacity, a column a rule
  std::uint32_t layout = 0;                            // what the module must answer
  std::vector<std::uint16_t> rule_field;               // of each rule, kNoField for the whole record
  std::vector<std::vector<std::uint16_t>> rule_reads;  // of each rule
  pid_t child = 0;
  JudgeCounts counts;
  std::uint32_t convicted_in_chunk = 0;

  State(ModuleImage the_image, const RuleModule& the_module, RecordBlock& the_block)
      : image(std::move(the_image)),
        module(the_module),
        block(the_block),
        flag_memory(std::max<std::size_t>(1, the_module.rules.size()) * RecordBlock::kCapacity),
        channel(*::new (channel_memory.data()) JudgeChannel()),
        flags(flag_memory.data(), the_module.rules.size() * RecordBlock::kCapacity) {
    for (const ModuleRule& rule : module.rules) {
      const auto field = block.layout().find(rule.field);
      rule_field.push_back(field ? static_cast<std::uint16_t>(*field) : kNoField);
      std::vector<std::uint16_t> reads;
      for (const std::string& name : rule.reads) {
        if (const auto read = block.layout().find(name)) reads.push_back(static_cast<std::uint16_t>(*read));
      }
      rule_reads.push_back(std::move(reads));
    }
  }
  ~State() { stop(); }

  Failure unusable(const std::string& what, std::string hint) const {
    return Failure(ReturnCode::kRefused,
                   fmt::format("rule module '{}' ({}): {}", module.program, image.library.string(), what),
                   std::move(hint));
  }

  bool child_ended() {
    if (child == 0) return true;
    if (::waitpid(child, nullptr, WNOHANG) == 0) return false;
    child = 0;
    return true;
  }

  void stop() {
    if (child == 0) return;
    ::kill(child, SIGKILL);
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    child = 0;
  }

  void start() {
    channel.state.store(JudgeChannel::State::kStarting);
    const JudgeTask task{image.library, image.program, &channel, block.shared_region(), flags};
    const pid_t worker = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw Failure(ReturnCode::kUnavailable, "cannot start a judge process: " + errno_text(errno));
    if (pid == 0) run_judge(task, worker);
    child = pid;
    for (int waited = 0; channel.state.load(std::memory_order_acquire) == JudgeChannel::State::kStarting;
         waited += kLookMs) {
      wait_while(channel, JudgeChannel::State::kStarting, kLookMs);
      if (child_ended() && channel.state.load() == JudgeChannel::State::kStarting)
        throw unusable("its process ended while it was loaded", "does its initialisation end the run unit?");
      if (waited > kMostStartMs) {
        stop();
        throw unusable("it could not be loaded within 20 seconds", "run the same command again");
      }
    }
    if (channel.state.load() == JudgeChannel::State::kUnusable) {
      channel.words.back() = 0;
      throw unusable(channel.words.data(),
                     fmt::format("'ledgermill feed check' compiles and finds modules; the program must be named {}",
                                 module.program));
    }
  }

  void clear_flags(const RecordWindow& window) {
    for (std::size_t rule = 0; rule < module.rules.size(); ++rule) {
      std::memset(flags.data() + rule * RecordBlock::kCapacity + window.first, 0, window.size());
    }
  }

  /// Lets the child judge a window; kills it when it took more processor time than `budget_ms`.
  CallOutcome call(const RecordWindow& window, std::int64_t budget_ms) {
    if (child_ended()) {
      start();
      ++counts.restarts;
    }
    clear_flags(window);
    channel.call = {static_cast<std::uint32_t>(window.first + 1), static_cast<std::uint32_t>(window.last + 1), 0, 0};
    clockid_t clock{};
    const bool has_clock = ::clock_getcpuclockid(child, &clock) == 0;
    const std::int64_t used_before = has_clock ? nanoseconds_of(clock) : 0;
    const std::int64_t began = nanoseconds_of(CLOCK_MONOTONIC);
    set_state(channel, JudgeChannel::State::kWork);
    while (channel.state.load(std::memory_order_acquire) == JudgeChannel::State::kWork) {
      wait_while(channel, JudgeChannel::State::kWork, kLookMs);
      if (channel.state.load(std::memory_order_acquire) != JudgeChannel::State::kWork) break;
      if (child_ended()) return CallOutcome::kDied;
      const std::int64_t budget = budget_ms * 1'000'000;
      const std::int64_t used = has_clock ? nanoseconds_of(clock) - used_before : 0;
      if (used > budget || nanoseconds_of(CLOCK_MONOTONIC) - began > budget * kWallFactor) {
        stop();
        return CallOutcome::kOverran;
      }
    }
    if (has_clock) counts.nanoseconds += static_cast<std::uint64_t>(nanoseconds_of(clock) - used_before);
    // A module that ran to its end but destroyed the channel's words did not keep its side of the call.
    return channel.state.load() == JudgeChannel::State::kIdle ? CallOutcome::kDone : CallOutcome::kDied;
  }

  void check_handshake() {
    const std::uint32_t seen = channel.call.layout_seen;
    if (seen == layout) return;
    throw unusable(
        seen == 0 ? "it does not MOVE LM-LAYOUT TO LAYOUT-SEEN" : "it was compiled for another layout of the feed",
        "compile it again with the copybook that 'ledgermill rules copybook FEED' prints");
  }

  void judge_window(const RecordWindow& window, std::int64_t budget_ms, Findings& findings) {
    const CallOutcome outcome = call(window, budget_ms);
    if (outcome == CallOutcome::kDone) return check_handshake();
    if (window.size() == 1) return convict(window.first, outcome, findings);
    // Small windows search with less time; one record alone has its full time again, so that haste convicts nobody.
    const auto budget_of = [&](const RecordWindow& part) {
      if (part.size() == 1) return std::int64_t{module.timeout_ms};
      return std::max<std::int64_t>(std::min<std::int64_t>(kLeastSearchMs, module.timeout_ms), budget_ms / 2);
    };
    const std::size_t middle = window.first + window.size() / 2;
    for (const RecordWindow part : {RecordWindow{window.first, middle - 1}, RecordWindow{middle, window.last}}) {
      judge_window(part, budget_of(part), findings);
    }
  }

  void convict(std::size_t record, CallOutcome outcome, Findings& findings) {
    clear_flags({record, record});
    const bool died = outcome == CallOutcome::kDied;
    ++(died ? counts.abends : counts.timeouts);
    findings.push_back({static_cast<std::uint32_t>(record),
                        {died ? ReasonCode::kCobolAbend : ReasonCode::kCobolTimeout, kNoField, {}}});
    if (++convicted_in_chunk > module.most_abends) {
      throw unusable(
          fmt::format("it ended abnormally or overran its time on more than {} records of one chunk",
                      module.most_abends),
          "mend the module, or raise rules: max_abends in the feed definition; then run the same command again");
    }
  }

  void pad_texts(const ChunkText& text) {
    for (std::size_t f = 0; f < block.layout().fields.size(); ++f) {
      const Field& field = block.layout().fields[f];
      const BlockLayout::Column& column = block.block_layout().columns[f];
      if (field.type != FieldType::kString || field.is_code() || column.value_bytes == 0) continue;
      auto* out = reinterpret_cast<char*>(block.shared_region().data() + column.values);
      for (std::size_t i = 0; i < block.size(); ++i, out += column.value_bytes) {
        const std::string_view cell =
            block.states(f)[i] == FieldState::kValid ? text.at(block.texts(f)[i]) : std::string_view();
        const std::size_t length = std::min(cell.size(), column.value_bytes);
        std::copy_n(cell.data(), length, out);
        std::memset(out + length, ' ', column.value_bytes - length);
      }
    }
  }

  bool all_valid(const std::vector<std::uint16_t>& fields, std::size_t record) const {
    return std::all_of(fields.begin(), fields.end(),
                       [&](std::uint16_t field) { return block.states(field)[record] == FieldState::kValid; });
  }

  /// Turns the flags of one rule into findings. Most columns are empty: eight records are looked at in one step.
  void read_flags(std::size_t rule, Findings& findings) {
    const std::byte* column = flags.data() + rule * RecordBlock::kCapacity;
    for (std::size_t i = 0; i < block.size(); i += 8) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, column + i, 8);
      if (eight == 0) continue;
      for (std::size_t k = i; k < std::min(i + 8, block.size()); ++k) {
        const char flag = static_cast<char>(column[k]);
        if (flag == 0 || flag == ' ') continue;
        if (flag != 'Y')
          throw unusable(fmt::format("it moved '\\x{:02x}' to the flag of rule {}", static_cast<unsigned char>(flag),
                                     module.rules[rule].code),
                         "only \"Y\" and space are flags");
        if (!all_valid(rule_reads[rule], k)) continue;
        const std::uint16_t field = rule_field[rule];
        const TextRef value = field == kNoField ? TextRef{} : block.texts(field)[k];
        findings.push_back({static_cast<std::uint32_t>(k), {module_rule(rule), field, value}});
      }
    }
  }
};

ModuleJudge::ModuleJudge(ModuleImage image, const RuleModule& module, RecordBlock& block)
    : state_(std::make_unique<State>(std::move(image), module, block)) {
  state_->layout = layout_number_of(copybook(state_->image.feed, block.layout(), module));
  state_->start();
}
ModuleJudge::~ModuleJudge() = default;

void ModuleJudge::judge(const ChunkText& text, Findings& findings) {
  State& s = *state_;
  if (s.block.size() == 0) return;
  s.pad_texts(text);
  s.judge_window({0, s.block.size() - 1}, s.module.timeout_ms, findings);
  for (std::size_t rule = 0; rule < s.module.rules.size(); ++rule) s.read_flags(rule, findings);
  ++s.counts.blocks;
}

void ModuleJudge::begin_chunk() { state_->convicted_in_chunk = 0; }
const JudgeCounts& ModuleJudge::counts() const { return state_->counts; }
int ModuleJudge::child() const { return state_->child; }

}  // namespace ledgermill::rules
