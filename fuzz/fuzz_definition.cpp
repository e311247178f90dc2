// SPDX-License-Identifier: Apache-2.0
// Feed definitions: any text is read, or refused with file and line.
#include <cstddef>

#include "base/check.h"
#include "base/failure.h"
#include "feed/definition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ledgermill;
  try {
    feed::parse_definition(std::string_view(reinterpret_cast<const char*>(data), size), "f.yaml");
  } catch (const Failure& refused) {
    LM_CHECK(refused.code() == ReturnCode::kRefused, "a definition is refused, or read");
    LM_CHECK(refused.fact().rfind("f.yaml:", 0) == 0, "a mistake is named with its place");
  }
  return 0;
}
