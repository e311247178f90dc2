// SPDX-License-Identifier: Apache-2.0
#include "batch/interruption.h"

#include <csignal>

#include "base/failure.h"

namespace ledgermill::batch {

namespace {
volatile std::sig_atomic_t stop_requested = 0;
void request_stop(int) { stop_requested = 1; }
}  // namespace

void install_interruption_handlers() {
  struct sigaction action {};
  action.sa_handler = request_stop;  // no SA_RESTART: a waiting poll() must wake up
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return stop_requested != 0; }

void stop_if_interrupted() {
  if (interrupted()) {
    throw Failure(ReturnCode::kUnavailable, "stopped on request",
                  "what was done stays done; the same command goes on where this one stopped");
  }
}

}  // namespace ledgermill::batch
