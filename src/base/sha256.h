// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ledgermill {

/// A SHA-256 digest (FIPS 180-4).
struct Digest {
  std::array<std::byte, 32> bytes{};

  /// 64 lower-case hex digits, as `sha256sum` prints them.
  std::string hex() const;
  /// The first 12 hex digits, as they stand in batch ids and file names.
  std::string hex12() const { return hex().substr(0, 12); }
  /// Throws Failure (RC 8) unless `hex` is 64 hex digits.
  static Digest from_hex(std::string_view hex);

  bool operator==(const Digest&) const = default;
};

/// Digests bytes as they come.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// The digest of all bytes so far; the object may not be used afterwards.
  Digest finish();

  static Digest of(std::span<const std::byte> bytes);
  static Digest of(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ledgermill
