// SPDX-License-Identifier: Apache-2.0
#include "batch/progress.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>

#include "base/failure.h"

namespace ledgermill::batch {

ProgressBoard::ProgressBoard() {
  void* memory = ::mmap(nullptr, sizeof(SharedCounters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw Failure(ReturnCode::kUnavailable, "no memory for the progress counters: " + errno_text(errno));
  }
  counters_ = ::new (memory) SharedCounters();
}

ProgressBoard::~ProgressBoard() { ::munmap(counters_, sizeof(SharedCounters)); }

}  // namespace ledgermill::batch
