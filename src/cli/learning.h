// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/session.h"
#include "model/definition.h"
#include "model/registry.h"

namespace ledgermill::cli {

/// Words that the commands of learning share.
struct LearningWords {
  std::string learning = "suspicion";  ///< name of a definition, or its path (.yaml)
  std::string training = "training";   ///< folder of datasets
  std::string models = "models";       ///< folder of the registry
};

/// Adds --learning, --training and --models.
void add_learning_options(CLI::App& command, LearningWords& words);
/// ./learning, then the installed one. Failure RC 8 when there is none of that name.
model::LearningDefinition learning_definition(const LearningWords& words);
/// Who is at the keyboard: LEDGERMILL_USER, USER or the user's number.
std::string who();
/// metrics.json of the evaluations before `date` ("" for all), the oldest first.
std::vector<std::string> earlier_evaluations(const std::filesystem::path& models, const std::string& date);
std::filesystem::path evaluation_folder(const std::filesystem::path& models, const std::string& date);
/// Replaces a file that only we write.
void put_text(const std::filesystem::path& path, const std::string& text);

}  // namespace ledgermill::cli
