// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "job/digest_process.h"
#include "job/manifest.h"
#include "job/output_follower.h"
#include "job/prepare.h"

namespace ledgermill::job {

/// The files of one step in one run: found, looked at, lent to the program under private names, and given their own
/// names or thrown away when it has ended. Calls come in the order of the functions below.
class StepFiles {
 public:
  /// Finds what each DD stands for; `manifest` remembers the newest generation of each group, `record` (the step's)
  /// gets its DDs and private folders. Nothing is written yet. Failure RC 8 when an input is missing, a new dataset is
  /// there already, or a folder is missing.
  StepFiles(const PreparedStep& step, const std::filesystem::path& run_folder, Manifest& manifest, StepRecord& record);

  /// Reads every input once: counts, digests, and refuses what the program would lose (Failure RC 8).
  void look_at_inputs();
  /// The digests of the inputs, which were begun then: they are made while the step runs.
  void finish_digests();

  /// Makes private folders, copies of what is updated, concatenations and in-line data. `work`: the step's own folder.
  /// Failure RC 8 when a folder cannot be written, RC 12 on I/O errors.
  void lend(const std::filesystem::path& work);
  /// Begins to digest what the step will write. The calling process must be single-threaded.
  void follow_outputs();
  /// "DD_NAME=/private/path" for each DD.
  std::vector<std::string> environment() const;
  /// Where a utility finds its DD.
  const std::filesystem::path& lent_path(std::string_view dd) const;
  /// What people know it by: the user's path; of a concatenation the first, and how many more.
  std::filesystem::path shown_path(std::string_view dd) const;

  /// Failure RC 8 when an input was changed while the step read it: its counts would be of other bytes.
  void refuse_changed_inputs() const;
  /// Counts and digests what the step wrote. Failure RC 8 when a required output is not there, or ends inside a record.
  void look_at_outputs();

  enum class Ending : std::uint8_t { kWell, kBadly };
  /// What is to be moved or deleted, with the outputs' bytes synced; the record's DDs say what becomes of them.
  std::vector<Move> moves(Ending ending);

 private:
  struct Lent {
    const PreparedDd* dd = nullptr;
    std::vector<std::filesystem::path> reads;  ///< of an input
    std::filesystem::path target;              ///< of what is written; empty for a dummy
    std::filesystem::path folder;              ///< private, beside the target
    std::filesystem::path lent;                ///< what the program opens
    std::unique_ptr<OutputFollower> follower;  ///< of an output
    bool joins = false;                        ///< what the program wrote comes behind what is there
    std::vector<struct stat> seen;
  };

  struct PendingDigest {
    FileRecord* record = nullptr;
    std::unique_ptr<DigestProcess> digest;
  };

  std::filesystem::path path_of(const Dataset& dataset);
  void find(Lent& lent, DdRecord& record);
  void find_target(Lent& lent);
  void lend_input(Lent& lent, const std::filesystem::path& work);
  void lend_output(Lent& lent, const std::filesystem::path& work);
  void write_inline(const Lent& lent, const std::string& text) const;
  void join_parts(const Lent& lent) const;
  void look_at_output(Lent& lent, DdRecord& record);
  static FileFacts examine_output(Lent& lent);
  static void make_ready(const Move& move);
  bool published(const Lent& lent, DdRecord& record, Ending ending, std::vector<Move>& moves) const;

  const PreparedStep& step_;
  std::filesystem::path run_folder_;
  Manifest& manifest_;
  StepRecord& record_;
  std::vector<Lent> all_;
  std::vector<PendingDigest> pending_digests_;
};

/// Removes a step's private folders with what lies in them; quiet about those that are gone.
void remove_private_folders(StepRecord& record);

}  // namespace ledgermill::job
