// SPDX-License-Identifier: Apache-2.0
#include "job/prepare.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include "job/indexed_copy.h"
#include "job/libraries.h"

namespace ledgermill::job {

namespace fs = std::filesystem;

namespace {

/// Looks through one step; what is wrong goes to the job's problems.
class StepPreparation {
 public:
  StepPreparation(const Step& step, const JobDefinition& job, const fs::path& cache, PreparedJob& prepared)
      : step_(step), job_(job), cache_(cache), prepared_(prepared) {
    made_.step = &step;
  }

  PreparedStep done() {
    if (const auto* program = std::get_if<ProgramStep>(&step_.work)) {
      prepare_program(*program);
    } else {
      prepare_utility();
    }
    return std::move(made_);
  }

 private:
  void problem(int line, const std::string& what, const std::string& hint = {}) {
    prepared_.problems.emplace_back(
        ReturnCode::kRefused, fmt::format("{}:{}: step {}: {}", job_.file.string(), line, step_.name, what), hint);
  }

  void prepare_program(const ProgramStep& program) {
    std::error_code error;
    if (!fs::is_regular_file(program.program, error))
      return problem(step_.line, fmt::format("there is no program '{}'", program.program.string()));
    made_.library = program.program;
    if (is_source(program.program)) {
      made_.kind = PreparedStep::Kind::kSource;
      made_.compiled = cobol::compile_program(program.program, program.dialect, program.copybooks, cache_);
      made_.library = made_.compiled->library;
      made_.program = made_.compiled->inspection.program;
      made_.has_parameters = !made_.compiled->inspection.parameters.empty();
      made_.sha256 = made_.compiled->source_digest.hex();
    } else {
      const bool module = program.program.extension() == ".so";
      made_.kind = module ? PreparedStep::Kind::kModule : PreparedStep::Kind::kExecutable;
      made_.program = program.program.stem().string();
      made_.has_parameters = program.parm.has_value();
      cobol::refuse_world_writable(program.program.parent_path());
      made_.sha256 = examine_file(program.program, {}, {}).digest.hex();
      if (!module && ::access(program.program.c_str(), X_OK) != 0)
        return problem(
            step_.line,
            fmt::format("'{}' is no COBOL source (.cbl, .cob, .cobol), no module (.so), and cannot be executed",
                        program.program.string()));
    }
    if (made_.kind != PreparedStep::Kind::kExecutable) find_called(program);
    bind_files();
  }

  void find_called(const ProgramStep& program) {
    Libraries libraries(program, cache_);
    for (Library& each : libraries.reached_from(made_.compiled ? &made_.compiled->inspection : nullptr)) {
      made_.called.push_back({each.name, each.library, each.digest});
      if (each.inspection)
        called_files_.insert(called_files_.end(), each.inspection->files.begin(), each.inspection->files.end());
    }
    for (const std::string& name : libraries.missing())
      prepared_.remarks.push_back(
          fmt::format("step {}: program '{}' is called and lies in no library", step_.name, name));
  }

  void bind_files() {
    std::map<std::string, cobol::ProgramFile> files;  // by DD name; one opened in two ways by two SELECTs is one file
    bool by_value = false;
    if (made_.compiled) {
      for (const cobol::ProgramFile& file : made_.compiled->inspection.files) {
        if (file.opened.empty()) continue;
        if (file.assign.empty()) by_value = true;
        const auto dd = file.dd_name();
        if (!dd) {
          if (!file.assign.empty() && !file.assign.starts_with("/dev/std"))  // ASSIGN TO KEYBOARD, DISPLAY
            problem(step_.line,
                    fmt::format("file {} is assigned to the path '{}', which no DD can stand for", file.select,
                                file.assign),
                    "give it a name in ASSIGN");
          continue;
        }
        merge(files, *dd, file);
        if (step_.binding(*dd) == nullptr && !file.optional) unbound(*dd, file);
      }
    }
    std::map<std::string, cobol::ProgramFile> called;
    for (const cobol::ProgramFile& file : called_files_) {
      if (const auto dd = file.dd_name()) merge(called, *dd, file);
    }
    for (const Binding& binding : step_.bindings) {
      const auto own = files.find(binding.dd);
      const auto other = called.find(binding.dd);
      const cobol::ProgramFile* file = own != files.end()      ? &own->second
                                       : other != called.end() ? &other->second
                                                               : nullptr;
      const bool looked_into = made_.compiled.has_value();
      const bool sysin = binding.dd == "SYSIN" && file == nullptr && binding.disposition == Disposition::kShared;
      made_.reads_sysin = made_.reads_sysin || sysin;
      if (file == nullptr && looked_into && !by_value && !binding.unused && !sysin)
        problem(binding.line, fmt::format("no file of the program has the DD name {}", binding.dd), dd_names(files));
      made_.dds.push_back(prepared_dd(binding, file));
    }
  }

  static void merge(std::map<std::string, cobol::ProgramFile>& files, const std::string& dd,
                    const cobol::ProgramFile& file) {
    const auto [at, fresh] = files.emplace(dd, file);
    if (!fresh) at->second.opened.insert(at->second.opened.end(), file.opened.begin(), file.opened.end());
  }

  void unbound(const std::string& dd, const cobol::ProgramFile& file) {
    std::string hint = fmt::format("under 'dd:' say {}: PATH", dd);
    if (file.opened_for_output()) hint = fmt::format("under 'dd:' say {}: {{path: PATH, disp: new}}", dd);
    if (!file.item.empty())
      hint += fmt::format("; the name is the first value of {}, a program may give it another", file.item);
    problem(step_.line, fmt::format("the program opens {} and no DD of that name is bound", dd), hint);
  }

  std::string dd_names(const std::map<std::string, cobol::ProgramFile>& files) const {
    std::string names;
    for (const auto& [dd, file] : files) names += (names.empty() ? "it has " : ", ") + dd;
    return names.empty() ? "it opens no file; 'unused: true' binds the DD for a program that it calls"
                         : names + "; 'unused: true' binds a DD for a program that it calls";
  }

  PreparedDd prepared_dd(const Binding& binding, const cobol::ProgramFile* file) {
    PreparedDd dd;
    dd.binding = &binding;
    const auto opens = [&](std::string_view mode) {
      return file != nullptr && std::find(file->opened.begin(), file->opened.end(), mode) != file->opened.end();
    };
    const bool writes = file != nullptr ? file->opened_for_output() : binding.disposition != Disposition::kShared;
    const bool reads = opens("I-O") || opens("INPUT");
    const bool updates = binding.disposition == Disposition::kOld
                             ? file == nullptr || reads || opens("EXTEND")
                             : binding.disposition == Disposition::kAppend && reads && !opens("OUTPUT");
    dd.role = !writes ? Role::kInput : updates ? Role::kUpdate : Role::kOutput;
    dd.extends = dd.role == Role::kOutput && opens("EXTEND") && !opens("OUTPUT");
    if (file != nullptr) {
      dd.shape = shape_of(*file);
      dd.indexed = file->organization == cobol::Organization::kIndexed;
      if (dd.shape.kind == RecordShape::Kind::kLines) {
        if (!binding.cut_long_lines) dd.rules.longest_line = file->record_max;
        dd.rules.refused_bytes = binding.refused_bytes;
      }
    }
    refuse_contradictions(binding, dd, file);
    return dd;
  }

  void refuse_contradictions(const Binding& binding, const PreparedDd& dd, const cobol::ProgramFile* file) {
    const bool path =
        std::holds_alternative<Dataset>(binding.source) || std::holds_alternative<Temporary>(binding.source);
    if (std::holds_alternative<Dummy>(binding.source)) return;
    if (!path && (dd.indexed || dd.shape.kind == RecordShape::Kind::kRelative))
      problem(binding.line, fmt::format("DD {}: 'data' and 'concat' are for sequential files", binding.dd));
    if (dd.role == Role::kInput) {
      if (binding.disposition == Disposition::kNew || binding.disposition == Disposition::kAppend)
        problem(binding.line,
                fmt::format("DD {} is {}, and the program only reads it", binding.dd,
                            disposition_name(binding.disposition)),
                "leave 'disp' out");
      return;
    }
    if (!path)
      problem(binding.line, fmt::format("DD {}: the program writes it; 'data' and 'concat' are read only", binding.dd));
    else if (binding.disposition == Disposition::kShared)
      problem(binding.line, fmt::format("DD {}: the program writes it, and its disp is shared", binding.dd),
              "say disp: new, old or append");
    const bool sequential = file == nullptr || file->organization == cobol::Organization::kSequential ||
                            file->organization == cobol::Organization::kLineSequential;
    if (binding.disposition == Disposition::kAppend && !sequential)
      problem(binding.line, fmt::format("DD {}: records are appended to sequential files only", binding.dd),
              "say disp: old");
  }

  /// Indexed files are libcob's: a small program of ours copies them, and is a program like any other from here on.
  void prepare_indexed_copy(const CopyStep& copy) {
    const std::string source = indexed_copy_source(copy, *step_.binding("IN"), *step_.binding("OUT"));
    const fs::path kept = keep_own_source(source, "COPYRECORDS", cache_);
    cobol::Dialect dialect;
    dialect.format = cobol::SourceFormat::kFree;
    made_.kind = PreparedStep::Kind::kSource;
    made_.compiled = cobol::compile_program(kept, dialect, {}, cache_);
    made_.library = made_.compiled->library;
    made_.program = made_.compiled->inspection.program;
    made_.sha256 = made_.compiled->source_digest.hex();
    bind_files();
  }

  void prepare_utility() {
    if (is_indexed_copy(step_)) return prepare_indexed_copy(std::get<CopyStep>(step_.work));
    const auto* sort = std::get_if<SortStep>(&step_.work);
    const Selection& selection = sort != nullptr ? sort->selection : std::get<CopyStep>(step_.work).selection;
    made_.program = sort != nullptr ? "sort" : "copy";
    using Kind = RecordShape::Kind;
    for (const Binding& binding : step_.bindings) {
      PreparedDd dd;
      dd.binding = &binding;
      dd.role = binding.dd == "OUT" ? Role::kOutput : Role::kInput;
      dd.shape = {selection.form.fixed_length == 0 ? Kind::kLines : Kind::kFixed, selection.form.fixed_length};
      const auto* copy = std::get_if<CopyStep>(&step_.work);
      if (binding.dd == "OUT" && copy != nullptr && copy->to)
        dd.shape = {copy->to->fixed_length == 0 ? Kind::kLines : Kind::kFixed, copy->to->fixed_length};
      else if (binding.dd == "OUT" && !selection.output.empty() && dd.shape.kind == Kind::kFixed)
        dd.shape.longest = rebuilt(selection.output, "").size();
      made_.dds.push_back(dd);
    }
  }

  const Step& step_;
  const JobDefinition& job_;
  const fs::path& cache_;
  PreparedJob& prepared_;
  PreparedStep made_;
  std::vector<cobol::ProgramFile> called_files_;
};

/// Of two outputs with one name only the last would be left.
void look_at_outputs(const PreparedStep& prepared, const JobDefinition& job, PreparedJob& all) {
  std::map<fs::path, std::string> written;
  for (const PreparedDd& dd : prepared.dds) {
    const auto* dataset = std::get_if<Dataset>(&dd.binding->source);
    if (dataset == nullptr || dd.role == Role::kInput) continue;
    std::error_code error;
    const fs::path folder = dataset->path.parent_path();
    if (!fs::is_directory(folder, error))
      all.problems.emplace_back(ReturnCode::kRefused,
                                fmt::format("{}:{}: step {}, DD {}: there is no folder '{}'", job.file.string(),
                                            dd.binding->line, prepared.step->name, dd.binding->dd, folder.string()),
                                fmt::format("mkdir -p '{}'", folder.string()));
    const auto [at, fresh] =
        written.emplace(dataset->path.string() + fmt::format("({})", dataset->generation.value_or(0)), dd.binding->dd);
    if (!fresh)
      all.problems.emplace_back(
          ReturnCode::kRefused,
          fmt::format("{}:{}: step {}: DDs {} and {} both write '{}'", job.file.string(), dd.binding->line,
                      prepared.step->name, at->second, dd.binding->dd, dataset->path.string()));
  }
}

/// Records of a DD in a balance must be countable.
void look_at_balance(const PreparedStep& prepared, const JobDefinition& job, PreparedJob& all) {
  const Step& step = *prepared.step;
  if (!step.balance) return;
  for (const PreparedDd& dd : prepared.dds) {
    const auto named = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), dd.binding->dd) != list.end();
    };
    const bool in_balance = named(step.balance->in) || named(step.balance->out) || named(step.balance->rejects);
    if (in_balance &&
        (dd.shape.kind == RecordShape::Kind::kUnknown || std::holds_alternative<Dummy>(dd.binding->source)))
      all.problems.emplace_back(ReturnCode::kRefused,
                                fmt::format("{}:{}: step {}: the records of DD {} cannot be counted for the balance",
                                            job.file.string(), step.line, step.name, dd.binding->dd));
  }
}

}  // namespace

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kInput:
      return "input";
    case Role::kOutput:
      return "output";
    case Role::kUpdate:
      return "update";
  }
  return "";
}

std::string PreparedStep::digest() const {
  Sha256 sha;
  sha.update(compiled ? compiled->digest.hex() : sha256);
  for (const CalledProgram& each : called) sha.update(each.name + "=" + each.digest + ";");
  return sha.finish().hex();
}

PreparedJob prepare(const JobDefinition& job, const fs::path& cache) {
  PreparedJob prepared;
  prepared.job = &job;
  for (const Step& step : job.steps) {
    try {
      prepared.steps.push_back(StepPreparation(step, job, cache, prepared).done());
      look_at_balance(prepared.steps.back(), job, prepared);
      look_at_outputs(prepared.steps.back(), job, prepared);
    } catch (const Failure& failure) {
      if (failure.code() != ReturnCode::kRefused) throw;
      prepared.problems.emplace_back(
          ReturnCode::kRefused,
          fmt::format("{}:{}: step {}: {}", job.file.string(), step.line, step.name, failure.fact()), failure.hint());
    }
  }
  return prepared;
}

}  // namespace ledgermill::job
