// SPDX-License-Identifier: Apache-2.0
#include "dashboard/http_server.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "base/failure.h"

namespace ledgermill::dashboard {

namespace {

using Clock = std::chrono::steady_clock;

/// Ends connections that overrun their time. libmicrohttpd's own timeout begins anew with every byte, so a client that
/// sends a byte a second would stay for ever.
class Deadlines {
 public:
  Deadlines() : watcher_([this](const std::stop_token& stop) { watch(stop); }) {}

  void set(int socket, std::chrono::seconds time) {
    const std::lock_guard lock(mutex_);
    deadlines_[socket] = Clock::now() + time;
  }
  /// Before the descriptor is closed: its number may come again.
  void forget(int socket) {
    const std::lock_guard lock(mutex_);
    deadlines_.erase(socket);
  }
  unsigned size() const {
    const std::lock_guard lock(mutex_);
    return static_cast<unsigned>(deadlines_.size());
  }

 private:
  void watch(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
      const std::lock_guard lock(mutex_);
      const Clock::time_point now = Clock::now();
      for (auto& [socket, deadline] : deadlines_) {
        if (deadline > now) continue;
        ::shutdown(socket, SHUT_RDWR);
        deadline = Clock::time_point::max();
      }
    }
  }

  mutable std::mutex mutex_;
  std::unordered_map<int, Clock::time_point> deadlines_;
  std::jthread watcher_;
};

/// In a time that does not depend on where they differ.
bool same(std::string_view a, std::string_view b) {
  unsigned difference = static_cast<unsigned>(a.size() != b.size());
  for (std::size_t i = 0; i < a.size() && !b.empty(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i % b.size()]));
  return difference == 0;
}

std::string header(MHD_Connection* connection, const char* name) {
  const char* const value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string() : std::string(value);
}

/// "Bearer TOKEN", or the token as a browser's password.
bool shows_token(MHD_Connection* connection, const std::string& token) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
  if (authorization.rfind(kBearer, 0) == 0) return same(std::string_view(authorization).substr(kBearer.size()), token);
  char* password = nullptr;
  char* const user = MHD_basic_auth_get_username_password(connection, &password);
  const bool right = password != nullptr && same(password, token);
  MHD_free(user);
  MHD_free(password);
  return right;
}

bool is_name_of_this_machine(std::string host) {
  if (const auto colon = host.rfind(':'); colon != std::string::npos && host.find(']', colon) == std::string::npos)
    host.resize(colon);
  return host == "localhost" || host == "[::1]" || is_loopback(host);
}

constexpr std::pair<const char*, const char*> kHeaders[] = {
    {"Content-Security-Policy",
     "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
     "base-uri 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
};

Response plain(int status, const std::string& words) {
  return {status, "text/plain; charset=utf-8", words + "\n", "refused"};
}

}  // namespace

std::optional<std::string> Request::get(const std::string& name) const {
  const auto found = query.find(name);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

bool is_loopback(const std::string& address) {
  in_addr four{};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  return address == "::1";
}

struct HttpServer::State {
  ServerOptions options;
  Handler handler;
  AnsweredObserver observer;
  bool loopback = true;
  Deadlines deadlines;
  MHD_Daemon* daemon = nullptr;

  ~State() {
    if (daemon != nullptr) MHD_stop_daemon(daemon);
  }

  static int socket_of(MHD_Connection* connection) {
    const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == nullptr ? -1 : info->connect_fd;
  }

  Response respond(MHD_Connection* connection, const char* url, const char* method, bool has_body) const {
    if (std::strcmp(method, "GET") != 0 && std::strcmp(method, "HEAD") != 0)
      return plain(405, "this server shows, and changes nothing: GET and HEAD only");
    if (has_body) return plain(413, "a request here has no body");
    if (loopback && !options.token && !is_name_of_this_machine(header(connection, MHD_HTTP_HEADER_HOST)))
      return plain(421, "ask by the name localhost, or by a loopback address");
    const bool open_to_all = std::strcmp(url, "/healthz") == 0;
    if (options.token && !open_to_all && !shows_token(connection, *options.token))
      return plain(401, "show the token: as a bearer token, or as the password");
    Request request;
    request.path = url;
    const auto take = [](void* to, MHD_ValueKind, const char* name, const char* value) {
      static_cast<Request*>(to)->query.emplace(name, value == nullptr ? "" : value);
      return MHD_YES;
    };
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take, &request);
    return handler(request);
  }

  MHD_Result answer(MHD_Connection* connection, const char* url, const char* method, bool has_body) {
    const Clock::time_point begun = Clock::now();
    deadlines.set(socket_of(connection), options.answer_time);
    const Response response = respond(connection, url, method, has_body);
    MHD_Response* const out = MHD_create_response_from_buffer(
        response.body.size(), const_cast<char*>(response.body.data()), MHD_RESPMEM_MUST_COPY);
    for (const auto& [name, value] : kHeaders) MHD_add_response_header(out, name, value);
    MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, response.type.c_str());
    const bool is_asset = response.route == "/static";
    MHD_add_response_header(out, MHD_HTTP_HEADER_CACHE_CONTROL, is_asset ? "max-age=3600" : "no-store");
    if (response.status == 401)
      MHD_add_response_header(out, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"LedgerMill\", charset=\"UTF-8\"");
    if (response.status == 405) MHD_add_response_header(out, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (response.status == 405 || response.status == 413)
      MHD_add_response_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
    const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(response.status), out);
    MHD_destroy_response(out);
    const bool known = std::strcmp(method, "GET") == 0 || std::strcmp(method, "HEAD") == 0;
    observer({known ? method : "other", response.route, response.status, response.body.size(),
              std::chrono::duration<double>(Clock::now() - begun).count()});
    return queued;
  }

  static State* of(void* state) { return static_cast<State*>(state); }

  // Called first when the headers are there: answered at once, so that a body is not waited for.
  static MHD_Result on_request(void* state, MHD_Connection* connection, const char* url, const char* method,
                               const char*, const char*, size_t*, void**) {
    const bool has_body =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING) != nullptr ||
        header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH).find_first_not_of('0') != std::string::npos;
    return of(state)->answer(connection, url, method, has_body);
  }

  static void on_completed(void* state, MHD_Connection* connection, void**, MHD_RequestTerminationCode) {
    of(state)->deadlines.set(socket_of(connection), of(state)->options.request_time);
  }

  static void on_connection(void* state, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode what) {
    const int socket = socket_of(connection);
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
      of(state)->deadlines.set(socket, of(state)->options.request_time);
    else
      of(state)->deadlines.forget(socket);
  }
};

namespace {

/// The most connections that the process may have open, with some descriptors left for ledgers and files.
unsigned connections_allowed(unsigned wanted) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlim_t needed = wanted + 200;
  if (files.rlim_cur < needed) {
    files.rlim_cur = std::min(files.rlim_max, needed);
    ::setrlimit(RLIMIT_NOFILE, &files);
    ::getrlimit(RLIMIT_NOFILE, &files);
  }
  return static_cast<unsigned>(std::min<rlim_t>(wanted, files.rlim_cur > 250 ? files.rlim_cur - 200 : 50));
}

struct SocketAddress {
  sockaddr_storage storage{};
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const ServerOptions& options) {
  SocketAddress made;
  auto* const four = reinterpret_cast<sockaddr_in*>(&made.storage);
  auto* const six = reinterpret_cast<sockaddr_in6*>(&made.storage);
  if (::inet_pton(AF_INET, options.address.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(options.port);
  } else if (::inet_pton(AF_INET6, options.address.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(options.port);
  } else {
    throw Failure(ReturnCode::kRefused, fmt::format("'{}' is no address to listen on", options.address),
                  "an IPv4 or IPv6 address and a port, e.g. 127.0.0.1:8600 or [::1]:8600");
  }
  return made;
}

}  // namespace

HttpServer::HttpServer(const ServerOptions& options, Handler handler, AnsweredObserver observer)
    : state_(std::make_unique<State>()) {
  const SocketAddress where = socket_address(options);
  state_->options = options;
  state_->handler = std::move(handler);
  state_->observer = std::move(observer);
  state_->loopback = is_loopback(options.address);
  if (!state_->loopback && !options.token)
    throw Failure(ReturnCode::kRefused,
                  fmt::format("on '{}' everybody in the network could see amounts and rejects", options.address),
                  "give --token-file FILE (at least 32 characters), or listen on 127.0.0.1; a load balancer's signed "
                  "identity header is not understood yet");
  const unsigned family = where.storage.ss_family == AF_INET6 ? static_cast<unsigned>(MHD_USE_IPv6) : 0U;
  // The socket's thread pool shares one epoll loop each; a connection costs memory, not a thread.
  state_->daemon = MHD_start_daemon(
      static_cast<unsigned>(MHD_USE_EPOLL_INTERNAL_THREAD) | static_cast<unsigned>(MHD_USE_ITC) | family, options.port,
      nullptr, nullptr, State::on_request, state_.get(), MHD_OPTION_SOCK_ADDR, where.get(), MHD_OPTION_THREAD_POOL_SIZE,
      options.threads, MHD_OPTION_CONNECTION_LIMIT, connections_allowed(options.most_connections),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, options.request_bytes, MHD_OPTION_CONNECTION_TIMEOUT,
      static_cast<unsigned>(options.answer_time.count()), MHD_OPTION_NOTIFY_CONNECTION, State::on_connection,
      state_.get(), MHD_OPTION_NOTIFY_COMPLETED, State::on_completed, state_.get(), MHD_OPTION_LISTEN_BACKLOG_SIZE,
      1024U, MHD_OPTION_END);
  if (state_->daemon == nullptr)
    throw Failure(ReturnCode::kUnavailable,
                  fmt::format("cannot listen on {}:{}: {}", options.address, options.port, errno_text(errno)),
                  "--listen ADDRESS:PORT names another; port 0 takes a free one");
}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const {
  const MHD_DaemonInfo* const info = MHD_get_daemon_info(state_->daemon, MHD_DAEMON_INFO_BIND_PORT);
  return info == nullptr ? state_->options.port : info->port;
}

unsigned HttpServer::connections() const { return state_->deadlines.size(); }

}  // namespace ledgermill::dashboard
