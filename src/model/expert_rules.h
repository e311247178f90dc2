// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ledgermill::model {

/// What an expert would write without a model: the largest of five scores, each 0 to 1 (amount far from habit, a factor
/// of ten off, sign against habit, date far from the file's, the same again). The baseline that a model must beat.
/// `row` has `kFeatures.size()` elements.
double expert_score(const float* row);

}  // namespace ledgermill::model
