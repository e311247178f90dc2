// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ledgermill::cloud {

/// Who signs. Never shown, logged or put into a Failure.
struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< "": long-lived keys
};

/// How a path is written before it is signed: S3 takes it once percent-encoded, every other service twice, and with "."
/// and ".." resolved.
enum class PathRule : unsigned char { kOnce, kTwice };

/// A request as it will be sent. Names and values are as they mean, not encoded.
struct Request {
  std::string method = "GET";
  std::string host{};
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> query{};
  std::vector<std::pair<std::string, std::string>> headers{};  ///< besides those that signing adds
  std::string_view body{};                                     ///< views the caller's bytes
};

struct SigningScope {
  std::string region;
  std::string service;    ///< "s3", "sagemaker"
  std::string timestamp;  ///< "20150830T123600Z", UTC
  PathRule path = PathRule::kTwice;
  /// x-amz-content-sha256 is sent and signed; S3 demands it.
  bool content_hash_header = false;
};

/// What the sender sends: `url` holds exactly the bytes that were signed, so nothing between here and the wire may
/// encode again or sort.
struct SignedRequest {
  std::string url;                                           ///< without the scheme: "host/path?query"
  std::vector<std::pair<std::string, std::string>> headers;  ///< all, with host and authorization
  std::string canonical_request;                             ///< for tests and for comparing with AWS's answer
  std::string string_to_sign;
};

/// AWS Signature Version 4 (AWS General Reference, "Signature Version 4 signing process"). A pure function: no clock.
SignedRequest sign(const Request& request, const SigningScope& scope, const Credentials& credentials);

/// RFC 3986: all but A-Z a-z 0-9 - . _ ~ as %XX; '/' too unless `Slash::kKept`.
enum class Slash : unsigned char { kKept, kEncoded };
std::string percent_encoded(std::string_view text, Slash slash);

/// RFC 2104 with SHA-256: 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view message);

}  // namespace ledgermill::cloud
