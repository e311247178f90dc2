// SPDX-License-Identifier: Apache-2.0
// Packed chunks and plans: any bytes are read, or refused.
#include <cstddef>

#include "base/check.h"
#include "base/failure.h"
#include "batch/staging.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ledgermill;
  try {
    const auto bytes = std::as_bytes(std::span(data, size));
    if (size > 0 && data[0] == '{')
      plan_from_json(std::string_view(reinterpret_cast<const char*>(data), size));
    else
      batch::unpack(bytes);
  } catch (const Failure& refused) {
    LM_CHECK(refused.code() == ReturnCode::kRefused, "bytes are refused, or read");
  }
  return 0;
}
