// SPDX-License-Identifier: Apache-2.0
#include "record/batch_id.h"

#include <fmt/core.h>

namespace ledgermill {

BatchId BatchId::of(std::string_view feed, const std::optional<BusinessDate>& business_date, const Digest& file,
                    std::uint32_t attempt) {
  std::string text(feed);
  if (business_date) text += "/" + business_date->text();
  text += "/" + file.hex12();
  if (attempt > 1) text += fmt::format("/{}", attempt);
  return {text};
}

}  // namespace ledgermill
