// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dashboard/html.h"
#include "dashboard/site.h"
#include "ledger/reader.h"
#include "reject/reject_log.h"

namespace ledgermill::dashboard {

// Private to the room: what pages and API share.

/// One request on its way.
struct Call {
  const SiteOptions& options;
  const Request& request;
  ledger::Reader& reader;
  Timestamp now;

  std::string word(const std::string& name) const { return request.get(name).value_or(""); }
  /// A whole number of the query, `otherwise` when it is absent; BadRequest when it is none or larger than `most`.
  std::uint64_t number(const std::string& name, std::uint64_t otherwise, std::uint64_t most = UINT64_MAX) const;
};

/// The request is wrong (400) or names what is not there (404); `what` says so to a person.
struct BadRequest {
  int status = 400;
  std::string what;
};

// --- data, the same for a page and for the API

struct FeedToday {
  ledger::FeedTotals totals;
  std::optional<Expectation> expected;
  bool late = false;
};
struct Today {
  BusinessDate day;  ///< UTC
  bool is_now = false;
  std::vector<FeedToday> feeds;
};
Today today_of(ledger::Reader& reader, const std::vector<Expectation>& expectations, Timestamp now,
               const std::string& day);

/// The batch of the query's "id"; BadRequest 404 when there is none.
ledger::BatchSummary batch_of(const Call& call);
ledger::Reader::BatchFilter batch_filter_of(const Call& call);

/// Where a page of a batch's rejects begins: "CHUNK.BYTE".
struct RejectCursor {
  std::uint32_t chunk = 0;  ///< 0: from the beginning
  std::uint64_t byte = 0;
};
struct RejectsPage {
  std::vector<reject::LoggedReject> rejects;
  std::string next;  ///< a cursor; "" at the end
  std::vector<std::string> damaged;
};
RejectsPage rejects_of(const Call& call, const ledger::BatchSummary& batch, std::uint32_t most);
std::filesystem::path rejects_root_of(const SiteOptions& options, const ledger::BatchSummary& batch);

/// One record: where it ended.
struct RecordFound {
  ledger::BatchSummary batch;
  Plan plan;
  std::uint64_t number = 0;
  std::optional<ledger::ChunkRow> chunk;
  std::optional<std::vector<ledger::PostedField>> posting;  ///< sensitive values masked
  std::optional<reject::LoggedReject> reject;
};
RecordFound record_of(const Call& call);

// --- words

std::string grouped(std::uint64_t number);
std::string grouped(const std::string& decimal);
std::string money(const ExactSum& sum, std::uint8_t scale);
std::string time_text(const Timestamp& time);  ///< "2025-03-30 23:06:42"
std::string duration_text(double seconds);     ///< "3 min", "2.5 h"
/// What a person does about a reject of this code.
std::string advice_for(std::string_view code);

// --- pages

/// Head, navigation and foot around `body`; `title` names the page.
std::string page(std::string_view title, std::string_view route, const std::function<void(Html&)>& body);

struct Column {
  std::string title;
  enum class Kind : std::uint8_t { kText, kNumber } kind = Kind::kText;
};
/// A table in a box of its own that scrolls where the screen is narrow; `row` writes the cells of each row.
void table(Html& html, const std::string& caption, const std::vector<Column>& columns, std::size_t rows,
           const std::function<void(std::size_t)>& row);
void cell(Html& html, std::string_view text);
void number_cell(Html& html, std::string_view text);
/// A state as a word with a shape and a colour: never the colour alone.
void badge(Html& html, std::string_view state);
void batch_link(Html& html, const BatchId& id);

std::string today_page(const Call& call);
std::string batches_page(const Call& call);
std::string batch_page(const Call& call);
std::string rejects_page(const Call& call);
std::string record_page(const Call& call);
std::string jobs_page(const Call& call);
std::string job_page(const Call& call);
std::string job_log_page(const Call& call);
std::string enrichment_page(const Call& call);
std::string model_page(const Call& call);
/// One drawing of an evaluation, as SVG text; BadRequest 404 for another name or day.
std::string model_drawing(const Call& call);
std::string search_page(const Call& call);

/// The API's answer to "/api/v1/<name>"; nothing for a name that it does not have.
std::optional<std::string> api_answer(const std::string& name, const Call& call);
std::string today_json(const Today& today);

/// Style and script, by file name; nothing for another.
struct Asset {
  std::string_view type, text;
};
std::optional<Asset> asset(const std::string& name);

}  // namespace ledgermill::dashboard
