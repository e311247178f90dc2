// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace ledgermill::dashboard {

struct Request {
  std::string path;                          ///< percent-decoded, without the query
  std::map<std::string, std::string> query;  ///< decoded; of a repeated name the first
  std::optional<std::string> get(const std::string& name) const;
};

struct Response {
  int status = 200;
  std::string type = "text/html; charset=utf-8";
  std::string body;
  std::string route;  ///< "/batch": what the log and the metrics call it; never a text of the request
};

/// What one request came to, for the log.
struct Answered {
  std::string method, route;
  int status = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8600;         ///< 0: any free one
  std::optional<std::string> token;  ///< who shows it is let in; required unless the address is loopback
  unsigned threads = 4;
  unsigned most_connections = 2'000;      ///< lowered to what the process may have open
  std::size_t request_bytes = 16U << 10;  ///< request line and headers; a body is never taken
  std::chrono::seconds request_time{10};  ///< from connecting, or from the last answer, to the last header
  std::chrono::seconds answer_time{30};   ///< from there to the last byte taken by the client
};

using Handler = std::function<Response(const Request&)>;
using AnsweredObserver = std::function<void(const Answered&)>;

/// Serves GET and HEAD over HTTP/1.1 (libmicrohttpd). `handler` and `observer` are called from several threads at once
/// and must not throw. Every answer carries the headers that confine a page (docs/design/0011-dashboard.md).
///
/// On a loopback address, requests whose Host is none of this machine's names are refused: a page of elsewhere could
/// otherwise read this one by a name that it points here (DNS rebinding).
class HttpServer {
 public:
  /// Listens. Failure RC 8: an address other than loopback without a token, an address that is none; RC 12: in use.
  HttpServer(const ServerOptions& options, Handler handler, AnsweredObserver observer);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Takes no more connections and ends those there are.
  ~HttpServer();

  std::uint16_t port() const;
  unsigned connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether an address is one of 127.0.0.0/8 or ::1.
bool is_loopback(const std::string& address);

}  // namespace ledgermill::dashboard
