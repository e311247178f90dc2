// SPDX-License-Identifier: Apache-2.0
#include "cli/learning.h"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "base/file.h"

namespace ledgermill::cli {

namespace fs = std::filesystem;

void add_learning_options(CLI::App& command, LearningWords& words) {
  command.add_option("--learning", words.learning, "Learning definition: its name, or its path (.yaml)")
      ->capture_default_str();
  command.add_option("--training", words.training, "Folder of datasets")->capture_default_str();
  command.add_option("--models", words.models, "Folder of models and evaluations")->capture_default_str();
}

model::LearningDefinition learning_definition(const LearningWords& words) {
  if (words.learning.ends_with(".yaml")) return model::load_learning(words.learning);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path installed = program.parent_path().parent_path() / "share" / "ledgermill" / "learning";
  for (const fs::path& folder : {fs::path("learning"), installed}) {
    const fs::path path = folder / (words.learning + ".yaml");
    if (fs::exists(path)) return model::load_learning(path);
  }
  throw Failure(ReturnCode::kRefused, fmt::format("there is no learning definition '{}'", words.learning),
                fmt::format("looked in ./learning and {}; or give its path, ending in .yaml", installed.string()));
}

std::string who() {
  for (const char* name : {"LEDGERMILL_USER", "USER"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != 0) return value;
  }
  return fmt::format("uid {}", ::getuid());
}

fs::path evaluation_folder(const fs::path& models, const std::string& date) { return models / "evaluations" / date; }

std::vector<std::string> earlier_evaluations(const fs::path& models, const std::string& date) {
  std::vector<std::string> days;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(models / "evaluations", error)) {
    const std::string day = entry.path().filename().string();
    if ((date.empty() || day < date) && fs::exists(entry.path() / "metrics.json")) days.push_back(day);
  }
  std::sort(days.begin(), days.end());
  std::vector<std::string> texts;
  for (const std::string& day : days) texts.push_back(read_small_file(evaluation_folder(models, day) / "metrics.json"));
  return texts;
}

void put_text(const fs::path& path, const std::string& text) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  fs::remove(path, error);
  if (!create_new_file(path, text))
    throw Failure(ReturnCode::kUnavailable, fmt::format("'{}' is written by another run", path.string()));
}

}  // namespace ledgermill::cli
