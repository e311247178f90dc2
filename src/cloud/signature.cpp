// SPDX-License-Identifier: Apache-2.0
#include "cloud/signature.h"

#include <algorithm>
#include <map>

#include "base/sha256.h"

namespace ledgermill::cloud {

namespace {

std::string bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

/// RFC 3986, section 5.2.4, and repeated slashes as one.
std::string resolved(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    at = end + 1;
  }
  std::string text;
  for (const std::string_view part : parts) text.append("/").append(part);
  return text.empty() || (path.back() == '/' && text != "/") ? text + "/" : text;
}

/// Encoded first, sorted by the encoded bytes then: by name, and by value where names are equal.
std::string canonical_query(const Request& request) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, value] : request.query)
    pairs.emplace_back(percent_encoded(name, Slash::kEncoded), percent_encoded(value, Slash::kEncoded));
  std::sort(pairs.begin(), pairs.end());
  std::string text;
  for (const auto& [name, value] : pairs) text.append(text.empty() ? "" : "&").append(name).append("=").append(value);
  return text;
}

/// Outer spaces go, inner runs of them become one.
std::string trimmed(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c != ' ' || (!text.empty() && text.back() != ' ')) text += c;
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

}  // namespace

std::string percent_encoded(std::string_view text, Slash slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~' || (c == '/' && slash == Slash::kKept);
    if (plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[static_cast<unsigned char>(c) >> 4];
      encoded += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return encoded;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  constexpr std::size_t kBlock = 64;
  std::string padded = key.size() > kBlock ? bytes_of(Sha256::of(key)) : std::string(key);
  padded.resize(kBlock, '\0');
  std::string inner = padded;
  std::string outer = padded;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  return bytes_of(Sha256::of(outer + bytes_of(Sha256::of(inner.append(message)))));
}

SignedRequest sign(const Request& request, const SigningScope& scope, const Credentials& credentials) {
  const std::string path =
      percent_encoded(scope.path == PathRule::kOnce ? request.path : resolved(request.path), Slash::kKept);
  const std::string canonical_path = scope.path == PathRule::kOnce ? path : percent_encoded(path, Slash::kKept);
  const std::string query = canonical_query(request);
  const std::string body_hash = Sha256::of(request.body).hex();

  SignedRequest made;
  made.headers = request.headers;
  made.headers.emplace_back("host", request.host);
  made.headers.emplace_back("x-amz-date", scope.timestamp);
  if (scope.content_hash_header) made.headers.emplace_back("x-amz-content-sha256", body_hash);
  if (!credentials.session_token.empty()) made.headers.emplace_back("x-amz-security-token", credentials.session_token);
  std::map<std::string, std::string> by_name;
  for (const auto& [name, value] : made.headers) {
    const auto [entry, is_new] = by_name.try_emplace(lower(name), trimmed(value));
    if (!is_new) entry->second += "," + trimmed(value);
  }
  std::string header_lines;
  std::string signed_names;
  for (const auto& [name, value] : by_name) {
    header_lines.append(name).append(":").append(value).append("\n");
    signed_names.append(signed_names.empty() ? "" : ";").append(name);
  }
  made.canonical_request = request.method + "\n" + canonical_path + "\n" + query + "\n" + header_lines + "\n" +
                           signed_names + "\n" + body_hash;

  const std::string day = scope.timestamp.substr(0, 8);
  const std::string place = day + "/" + scope.region + "/" + scope.service + "/aws4_request";
  made.string_to_sign =
      "AWS4-HMAC-SHA256\n" + scope.timestamp + "\n" + place + "\n" + Sha256::of(made.canonical_request).hex();
  std::string key = hmac_sha256("AWS4" + credentials.secret_key, day);
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")})
    key = hmac_sha256(key, part);
  made.headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" + place +
                                                 ", SignedHeaders=" + signed_names +
                                                 ", Signature=" + hex(hmac_sha256(key, made.string_to_sign)));
  made.url = request.host + path + (query.empty() ? "" : "?" + query);
  return made;
}

}  // namespace ledgermill::cloud
