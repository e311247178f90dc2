// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "rules/module_layout.h"

namespace ledgermill::rules {

/// What a judge and its worker share, besides the block's columns: the hand-off word, the call, and its flags. Lies at
/// the start of a shared mapping; the flag columns follow it.
struct JudgeChannel {
  enum class State : std::uint32_t {
    kStarting,  ///< the child loads libcob and the module
    kIdle,      ///< the child waits for work, or has done it
    kWork,      ///< the child judges
    kUnusable,  ///< the child could not start; `words` says why
  };
  std::atomic<State> state{State::kStarting};  ///< also the futex that both sides wait on
  BlockControl call;
  std::array<char, 512> words{};
};
static_assert(sizeof(std::atomic<JudgeChannel::State>) == 4);

/// Waits until the state is no longer `from`, at most `timeout_ms`; may return earlier for no reason.
void wait_while(JudgeChannel& channel, JudgeChannel::State from, int timeout_ms);
/// Sets the state and wakes the other side.
void set_state(JudgeChannel& channel, JudgeChannel::State to);

/// What a judge process is given. All spans are shared memory.
struct JudgeTask {
  std::filesystem::path library;
  std::string program;
  JudgeChannel* channel = nullptr;
  std::span<std::byte> columns;  ///< becomes read-only for the child
  std::span<std::byte> flags;
};

/// The body of the child: drops what it must not have, loads libcob and the module, and serves calls until it is
/// killed. Never returns and never throws. Called after fork(), in a single-threaded process.
[[noreturn]] void run_judge(const JudgeTask& task, int parent_pid);

}  // namespace ledgermill::rules
