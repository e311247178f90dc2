// SPDX-License-Identifier: Apache-2.0
#include "dashboard/site.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>

#include "base/failure.h"
#include "dashboard/enrichment_page.h"
#include "dashboard/metrics.h"
#include "dashboard/view.h"

namespace ledgermill::dashboard {

namespace {

struct Route {
  std::string_view path;
  std::string (*page)(const Call&);
};
constexpr Route kRoutes[] = {{"/", today_page},          {"/batches", batches_page}, {"/batch", batch_page},
                             {"/rejects", rejects_page}, {"/record", record_page},   {"/jobs", jobs_page},
                             {"/job", job_page},         {"/job/log", job_log_page}, {"/enrichment", enrichment_page},
                             {"/model", model_page},     {"/search", search_page}};

constexpr const char* kJson = "application/json; charset=utf-8";
constexpr std::string_view kApi = "/api/v1";

/// Readers that nobody uses now: an answer borrows one, and gives it back unless it failed.
class Readers {
 public:
  explicit Readers(ledger::ReaderOptions options) : options_(std::move(options)) {}

  std::unique_ptr<ledger::Reader> borrow() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto reader = std::move(idle_.back());
        idle_.pop_back();
        return reader;
      }
    }
    return ledger::open_reader(options_);
  }
  void give_back(std::unique_ptr<ledger::Reader> reader) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
  }
  /// A connection may have broken: so have the others of the same server.
  void forget_all() {
    const std::lock_guard lock(mutex_);
    idle_.clear();
  }

 private:
  ledger::ReaderOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ledger::Reader>> idle_;
};

std::string error_page(int status, const std::string& fact, const std::string& hint) {
  return page(status == 404 ? "Not found" : "This cannot be shown", "", [&](Html& html) {
    html.element("p", fact, {{"class", "notice wrong"}});
    if (!hint.empty()) html.element("p", hint);
  });
}

std::string error_json(const std::string& fact, const std::string& hint) {
  // Written by hand: this is what an answer falls back to.
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F ? '?' : c;
    }
    return out + "\"";
  };
  return "{\"error\":" + quoted(fact) + ",\"hint\":" + quoted(hint) + "}\n";
}

}  // namespace

struct Site::State {
  SiteOptions options;
  Readers readers;
  std::mutex mutex;
  ServerCounts counts;
  std::vector<ledger::FeedTotals> all_feeds;  // of the whole ledger
  std::optional<Timestamp> all_feeds_at;

  explicit State(SiteOptions given) : options(std::move(given)), readers(options.reader) {}

  /// Kept for ten seconds: it is the one answer that grows with the ledger, and scrapers ask often.
  std::vector<ledger::FeedTotals> feeds_of_ledger(ledger::Reader& reader, Timestamp now) {
    constexpr std::int64_t kKeptNanoseconds = 10'000'000'000;
    const std::lock_guard lock(mutex);
    if (!all_feeds_at || now.nanoseconds - all_feeds_at->nanoseconds >= kKeptNanoseconds) {
      all_feeds = reader.feed_totals({});
      all_feeds_at = now;
    }
    return all_feeds;
  }

  Response metrics(const Call& call) {
    const auto feeds = feeds_of_ledger(call.reader, call.now);
    const Today today = today_of(call.reader, call.options.expectations, call.now, "");
    const EnrichmentFound enrichment = enrichment_of(call);
    const std::lock_guard lock(mutex);
    return {200, "text/plain; version=0.0.4; charset=utf-8",
            metrics_text(feeds, today, enrichment, counts, options.version, call.now), "/metrics"};
  }

  Response from_ledger(const Request& request) {
    std::unique_ptr<ledger::Reader> reader = readers.borrow();
    const Call call{options, request, *reader, options.now()};
    Response response = shown(request, call);
    readers.give_back(std::move(reader));
    return response;
  }

  Response shown(const Request& request, const Call& call) {
    const auto* const route = std::find_if(std::begin(kRoutes), std::end(kRoutes),
                                           [&](const Route& each) { return each.path == request.path; });
    if (route != std::end(kRoutes))
      return {200, "text/html; charset=utf-8", route->page(call), std::string(route->path)};
    if (request.path == "/metrics") return metrics(call);
    if (request.path == "/model/drawing") return {200, "image/svg+xml", model_drawing(call), "/model/drawing"};
    if (request.path.rfind(kApi, 0) == 0) {
      const std::string name = request.path.size() > kApi.size() + 1 ? request.path.substr(kApi.size() + 1) : "";
      if (auto json = api_answer(name, call))
        return {200, kJson, std::move(*json), name.empty() ? "/api/v1" : "/api/v1/" + name};
    }
    throw BadRequest{404, "there is no such page"};
  }

  Response refused(const Request& request, int status, const std::string& fact, const std::string& hint) const {
    if (request.path.rfind("/api/", 0) == 0) return {status, kJson, error_json(fact, hint), "error"};
    if (request.path == "/metrics" || request.path == "/healthz")
      return {status, "text/plain; charset=utf-8", fact + "\n", request.path};
    return {status, "text/html; charset=utf-8", error_page(status, fact, hint), "error"};
  }

  Response route(const Request& request) {
    if (request.path.rfind("/static/", 0) == 0) {
      if (const auto found = asset(request.path.substr(8)))
        return {200, std::string(found->type), std::string(found->text), "/static"};
      throw BadRequest{404, "there is no such file"};
    }
    if (request.path == "/healthz") {
      readers.give_back(readers.borrow());
      return {200, "text/plain; charset=utf-8", "ok\n", "/healthz"};
    }
    return from_ledger(request);
  }
};

Site::Site(SiteOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Site::~Site() = default;

Response Site::answer(const Request& request) noexcept {
  try {
    return state_->route(request);
  } catch (const BadRequest& bad) {
    return state_->refused(request, bad.status, bad.what, "");
  } catch (const Failure& failure) {
    state_->readers.forget_all();
    return state_->refused(request, failure.code() == ReturnCode::kUnavailable ? 503 : 500, failure.fact(),
                           failure.hint());
  } catch (const std::exception& unforeseen) {
    state_->readers.forget_all();
    return state_->refused(request, 500, fmt::format("a defect of ours: {}", unforeseen.what()), "please report it");
  }
}

void Site::count(const Answered& answered) {
  const std::lock_guard lock(state_->mutex);
  ++state_->counts.requests[{answered.route, answered.status}];
  state_->counts.seconds[answered.route] += answered.seconds;
}

}  // namespace ledgermill::dashboard
