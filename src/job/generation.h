// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ledgermill::job {

/// A group's generations that are there, oldest first: files `name.G0001V00` beside each other.
std::vector<unsigned> generations_of(const std::filesystem::path& group);

/// "<group>.G0001V00"
std::filesystem::path generation_path(const std::filesystem::path& group, unsigned number);

/// The generation that `relative` names, counted among those up to `newest`, the newest when the run met the group
/// first: as in JCL, what one step makes as (+1) a later one reads as (+1). Failure RC 8 when there is none, or the
/// next would be the 10000th.
std::filesystem::path resolve_generation(const std::filesystem::path& group, int relative, unsigned newest);

/// Those to delete so that `limit` are left once `made` is there.
std::vector<std::filesystem::path> generations_beyond(const std::filesystem::path& group, unsigned limit,
                                                      const std::filesystem::path& made);

}  // namespace ledgermill::job
