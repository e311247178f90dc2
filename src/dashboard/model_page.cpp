// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "dashboard/view.h"

namespace ledgermill::dashboard {

std::string model_page(const Call& call) {
  return page("Model", "/model", [&](Html& html) {
    html.element("p", fmt::format("No model is registered in '{}'.", call.options.models.string()),
                 {{"class", "notice"}});
  });
}

}  // namespace ledgermill::dashboard
