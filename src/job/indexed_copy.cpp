// SPDX-License-Identifier: Apache-2.0
#include "job/indexed_copy.h"

#include <fmt/core.h>

#include "base/failure.h"
#include "base/sha256.h"
#include "cobol/compile.h"
#include "job/publication.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

/// SELECT and FD of one side. Every view of the record has its full length: else its records would have several.
struct Side {
  std::string select, fd;
};

Side side_of(const std::string& name, const Binding& binding, const RecordForm& form, std::size_t length,
             std::string_view access) {
  Side side;
  side.select = fmt::format("    select {0}-file assign to \"{1}\" file status {0}-status\n", name, binding.dd);
  side.fd = fmt::format("fd {0}-file.\n01 {0}-record pic x({1}).\n", name, length);
  if (binding.keys.empty()) {
    side.select += fmt::format("        organization {}.\n", form.fixed_length == 0 ? "line sequential" : "sequential");
    return side;
  }
  side.select += fmt::format("        organization indexed access mode {}\n", access);
  for (std::size_t i = 0; i < binding.keys.size(); ++i) {
    const IndexKey& key = binding.keys[i];
    side.select += fmt::format("        {}record key {}-key-{}{}\n", i == 0 ? "" : "alternate ", name, i,
                               key.duplicates ? " with duplicates" : "");
    side.fd += fmt::format("01 {}-view-{}.\n", name, i);
    if (key.at > 1) side.fd += fmt::format("   05 filler pic x({}).\n", key.at - 1);
    side.fd += fmt::format("   05 {}-key-{} pic x({}).\n", name, i, key.length);
    const std::size_t behind = length - (key.at - 1 + key.length);
    if (behind > 0) side.fd += fmt::format("   05 filler pic x({}).\n", behind);
  }
  side.select += "        .\n";
  return side;
}

// Words of the statements; the statuses are those of COBOL: 02 is a further key that another record has too.
constexpr std::string_view kBody = R"(    open input in-file
    if in-status not = "00"
      display "cannot open IN: file status " in-status
      move 8 to return-code goback
    end-if
    open OPEN_MODE out-file
    if out-status not = "00" and not = "05"
      display "cannot open OUT: file status " out-status
      close in-file
      move 8 to return-code goback
    end-if
    perform until in-status = "10"
      read in-file next record
      evaluate in-status
        when "00" when "02"
          add 1 to copied move copied to shown-count
          perform write-record
        when "10"
          continue
        when other
          display "cannot read IN behind record " function trim(shown-count) ": file status " in-status
          perform give-up
      end-evaluate
    end-perform
    close in-file out-file
    if in-status not = "00" or out-status not = "00"
      display "cannot close: file status " in-status ", " out-status
      move 8 to return-code goback
    end-if
    display function trim(shown-count) " records copied"
    goback.
write-record.
    move in-record to out-record
    write out-record
    if out-status not = "00" and not = "02"
      if out-status = "22"
        display "record " function trim(shown-count) ": another record has its key"
      else
        display "record " function trim(shown-count) ": cannot be written: file status " out-status
      end-if
      perform give-up
    end-if.
give-up.
    close in-file out-file
    move 8 to return-code
    goback.
)";

constexpr std::string_view kAbend = R"(identification division.
program-id. {}.
data division.
working-storage section.
01 abend-words.
   05 filler pic x(12) value "user abend U".
   05 code-shown pic 9(4).
   05 filler pic x value x"00".
linkage section.
01 abend-code {}.
procedure division using abend-code.
    move abend-code to code-shown
    call "cob_runtime_error" using abend-words
    stop run returning 12.
)";

}  // namespace

bool is_indexed_copy(const Step& step) {
  if (!std::holds_alternative<CopyStep>(step.work)) return false;
  for (const Binding& binding : step.bindings) {
    if (!binding.keys.empty()) return true;
  }
  return false;
}

std::string indexed_copy_source(const CopyStep& step, const Binding& in, const Binding& out) {
  const RecordForm from = step.selection.form;
  const RecordForm to = step.to.value_or(from);
  const std::size_t in_length = from.fixed_length != 0 ? from.fixed_length : to.fixed_length;
  const std::size_t out_length = to.fixed_length != 0 ? to.fixed_length : from.fixed_length;
  const Side read = side_of("in", in, from, in_length, "sequential");
  const Side written = side_of("out", out, to, out_length, "dynamic");
  std::string body(kBody);
  const std::string_view mode = out.disposition == Disposition::kOld ? "i-o" : "output";
  body.replace(body.find("OPEN_MODE"), std::string_view("OPEN_MODE").size(), mode);
  return fmt::format(
      "identification division.\nprogram-id. COPYRECORDS.\nenvironment division.\ninput-output section.\n"
      "file-control.\n{}{}data division.\nfile section.\n{}{}working-storage section.\n01 in-status pic xx.\n"
      "01 out-status pic xx.\n01 copied pic 9(12) comp-5 value 0.\n01 shown-count pic z(11)9 value 0.\nprocedure "
      "division.\nmain.\n{}",
      read.select, written.select, read.fd, written.fd, body);
}

fs::path keep_own_source(std::string_view source, const std::string& name, const fs::path& cache) {
  Sha256 sha;
  sha.update(source);
  const fs::path folder = cache / "own" / sha.finish().hex();
  const fs::path path = folder / (name + ".cbl");
  std::error_code error;
  if (fs::exists(path, error)) return path;
  fs::create_directories(folder, error);
  if (error)
    throw Failure(ReturnCode::kUnavailable, fmt::format("cannot make '{}': {}", folder.string(), error.message()));
  write_atomically(path, source);
  return path;
}

std::string_view abend_service_source(std::string_view name) {
  static const std::string kCee3abd = fmt::format(kAbend, "CEE3ABD", "pic s9(9) binary");
  static const std::string kIlboabn0 = fmt::format(kAbend, "ILBOABN0", "pic s9(4) binary");
  if (name == "CEE3ABD") return kCee3abd;
  if (name == "ILBOABN0") return kIlboabn0;
  return {};
}

}  // namespace ledgermill::job
