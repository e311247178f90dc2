// SPDX-License-Identifier: Apache-2.0
#include "batch/enrich_receipt.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "batch/whole_file.h"
#include "feed/source_file.h"
#include "feed/survey.h"

namespace ledgermill::batch {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

fs::path receipt_path(const EnrichOptions& options, const std::string& enrichment, const Digest& file) {
  return options.store.folder / enrichment / (file.hex12() + ".receipt.json");
}

/// What must be the same for a run to be the same. Of a server, its name for the model: its digest is known by asking.
Json circumstances(const Enrichment& enrichment, const EnrichOptions& options) {
  return {{"definition", enrichment.definition.digest.hex()},
          {"totals", enrichment.totals ? enrichment.totals->file_digest().hex() : ""},
          {"model", options.server ? options.server->model : "embedded"},
          {"out", fs::absolute(options.out).lexically_normal().string()}};
}

}  // namespace

void write_receipt(const Enrichment& enrichment, const EnrichOptions& options, const EnrichReport& report) {
  Json json = circumstances(enrichment, options);
  json["file"] = report.file_sha256;
  json["out_sha256"] = feed::digest_of(feed::SourceFile(options.out)).hex();
  WholeFile receipt(options.store.folder / enrichment.definition.name /
                    (report.file_sha256.substr(0, 12) + ".receipt.json"));
  receipt.write(json.dump() + "\n");
  receipt.finish();
}

bool has_receipt(const Enrichment& enrichment, const fs::path& file, const EnrichOptions& options) {
  const Digest digest = feed::digest_of(feed::SourceFile(file));
  const fs::path path = receipt_path(options, enrichment.definition.name, digest);
  std::error_code error;
  if (!fs::is_regular_file(path, error) || !fs::is_regular_file(options.out, error)) return false;
  Json wanted = circumstances(enrichment, options);
  wanted["file"] = digest.hex();
  wanted["out_sha256"] = feed::digest_of(feed::SourceFile(options.out)).hex();
  return Json::parse(read_small_file(path), nullptr, false) == wanted;
}

}  // namespace ledgermill::batch
