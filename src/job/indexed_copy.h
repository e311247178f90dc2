// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "job/definition.h"

namespace ledgermill::job {

/// Whether a copy reads or writes an indexed file: then libcob does it, which alone knows their form.
bool is_indexed_copy(const Step& step);

/// The COBOL program (free format, -std=default) that copies IN to OUT, one of which is indexed at least. It ends with
/// 0, or 8 on the first record that cannot be kept, said with its number; its counts stand in its output.
std::string indexed_copy_source(const CopyStep& step, const Binding& in, const Binding& out);

/// Keeps a source that no user wrote as `<cache>/own/<name>-<digest>.cbl`, to be compiled. Failure RC 12.
std::filesystem::path keep_own_source(std::string_view source, const std::string& name,
                                      const std::filesystem::path& cache);

/// The source of a program of Language Environment that programs call to end themselves: CEE3ABD, ILBOABN0; empty for
/// other names. The end is a runtime error, which says the abend's code.
std::string_view abend_service_source(std::string_view name);

}  // namespace ledgermill::job
