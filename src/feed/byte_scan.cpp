// SPDX-License-Identifier: Apache-2.0
#include "feed/byte_scan.h"

#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ledgermill::feed {

namespace {

std::size_t find3_portable(std::string_view bytes, std::size_t from, char a, char b, char c) {
  while (from < bytes.size() && bytes[from] != a && bytes[from] != b && bytes[from] != c) ++from;
  return from;
}

std::uint64_t mask64_portable(const char* at, char a, char b) {
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < 64; ++i) mask |= static_cast<std::uint64_t>(at[i] == a || at[i] == b) << i;
  return mask;
}

ByteCensus census_portable(std::string_view bytes, char wanted) {
  ByteCensus census;
  for (const char c : bytes) {
    census.has_nul |= c == 0;
    census.has_high |= (static_cast<unsigned char>(c) & 0x80U) != 0;
    census.has_wanted |= c == wanted;
  }
  return census;
}

ByteCensus operator|(ByteCensus a, ByteCensus b) {
  return {a.has_nul || b.has_nul, a.has_high || b.has_high, a.has_wanted || b.has_wanted};
}

#if defined(__x86_64__)

inline __m128i load16(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

std::size_t find3_sse2(std::string_view bytes, std::size_t from, char a, char b, char c) {
  const __m128i wanted_a = _mm_set1_epi8(a);
  const __m128i wanted_b = _mm_set1_epi8(b);
  const __m128i wanted_c = _mm_set1_epi8(c);
  for (; from + 16 <= bytes.size(); from += 16) {
    const __m128i block = load16(bytes.data() + from);
    const __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, wanted_a), _mm_cmpeq_epi8(block, wanted_b)),
                                     _mm_cmpeq_epi8(block, wanted_c));
    if (const int mask = _mm_movemask_epi8(hit); mask != 0) {
      return from + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(mask)));
    }
  }
  return find3_portable(bytes, from, a, b, c);
}

std::uint64_t mask64_sse2(const char* at, char a, char b) {
  const __m128i wanted_a = _mm_set1_epi8(a);
  const __m128i wanted_b = _mm_set1_epi8(b);
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i block = load16(at + 16 * i);
    const int part = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, wanted_a), _mm_cmpeq_epi8(block, wanted_b)));
    mask |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(part)) << (16 * i);
  }
  return mask;
}

ByteCensus census_sse2(std::string_view bytes, char wanted) {
  const __m128i byte = _mm_set1_epi8(wanted);
  __m128i nul = _mm_setzero_si128();
  __m128i high = _mm_setzero_si128();
  __m128i found = _mm_setzero_si128();
  std::size_t i = 0;
  for (; i + 16 <= bytes.size(); i += 16) {
    const __m128i block = load16(bytes.data() + i);
    nul = _mm_or_si128(nul, _mm_cmpeq_epi8(block, _mm_setzero_si128()));
    high = _mm_or_si128(high, block);
    found = _mm_or_si128(found, _mm_cmpeq_epi8(block, byte));
  }
  const ByteCensus census{_mm_movemask_epi8(nul) != 0, _mm_movemask_epi8(high) != 0, _mm_movemask_epi8(found) != 0};
  return census | census_portable(bytes.substr(i), wanted);
}

__attribute__((target("avx2"))) inline __m256i load32(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

__attribute__((target("avx2"))) std::size_t find3_avx2(std::string_view bytes, std::size_t from, char a, char b,
                                                       char c) {
  const __m256i wanted_a = _mm256_set1_epi8(a);
  const __m256i wanted_b = _mm256_set1_epi8(b);
  const __m256i wanted_c = _mm256_set1_epi8(c);
  for (; from + 32 <= bytes.size(); from += 32) {
    const __m256i block = load32(bytes.data() + from);
    const __m256i hit =
        _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(block, wanted_a), _mm256_cmpeq_epi8(block, wanted_b)),
                        _mm256_cmpeq_epi8(block, wanted_c));
    if (const int mask = _mm256_movemask_epi8(hit); mask != 0) {
      return from + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(mask)));
    }
  }
  return find3_sse2(bytes, from, a, b, c);
}

__attribute__((target("avx2"))) std::uint64_t mask64_avx2(const char* at, char a, char b) {
  const __m256i wanted_a = _mm256_set1_epi8(a);
  const __m256i wanted_b = _mm256_set1_epi8(b);
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < 2; ++i) {
    const __m256i block = load32(at + 32 * i);
    const int part =
        _mm256_movemask_epi8(_mm256_or_si256(_mm256_cmpeq_epi8(block, wanted_a), _mm256_cmpeq_epi8(block, wanted_b)));
    mask |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(part)) << (32 * i);
  }
  return mask;
}

__attribute__((target("avx2"))) ByteCensus census_avx2(std::string_view bytes, char wanted) {
  const __m256i byte = _mm256_set1_epi8(wanted);
  __m256i nul = _mm256_setzero_si256();
  __m256i high = _mm256_setzero_si256();
  __m256i found = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 32 <= bytes.size(); i += 32) {
    const __m256i block = load32(bytes.data() + i);
    nul = _mm256_or_si256(nul, _mm256_cmpeq_epi8(block, _mm256_setzero_si256()));
    high = _mm256_or_si256(high, block);
    found = _mm256_or_si256(found, _mm256_cmpeq_epi8(block, byte));
  }
  const ByteCensus census{_mm256_movemask_epi8(nul) != 0, _mm256_movemask_epi8(high) != 0,
                          _mm256_movemask_epi8(found) != 0};
  return census | census_portable(bytes.substr(i), wanted);
}

#endif  // __x86_64__

}  // namespace

const ByteScan* ByteScan::of(Kind kind) {
  static const ByteScan portable(find3_portable, mask64_portable, census_portable);
  if (kind == Kind::kPortable) return &portable;
#if defined(__x86_64__)
  static const ByteScan sse2(find3_sse2, mask64_sse2, census_sse2);
  static const ByteScan avx2(find3_avx2, mask64_avx2, census_avx2);
  if (kind == Kind::kSse2) return &sse2;
  if (__builtin_cpu_supports("avx2")) return &avx2;
#endif
  return nullptr;
}

const ByteScan& ByteScan::fastest() {
  static const ByteScan& chosen = [&]() -> const ByteScan& {
    for (const Kind kind : {Kind::kAvx2, Kind::kSse2}) {
      if (const ByteScan* scan = of(kind)) return *scan;
    }
    return *of(Kind::kPortable);
  }();
  return chosen;
}

}  // namespace ledgermill::feed
