// SPDX-License-Identifier: Apache-2.0
#include "cobol/source_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "base/file.h"

namespace ledgermill::cobol {

namespace fs = std::filesystem;

namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string in_capitals(std::string_view text) {
  std::string capitals(text);
  for (char& c : capitals) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return capitals;
}

/// A literal from its opening quote on; `at` is left behind the closing one. A doubled quote stands for itself.
std::string literal_at(std::string_view text, std::size_t& at) {
  const char quote = text[at++];
  std::string literal;
  while (at < text.size()) {
    if (text[at] == quote) {
      if (at + 1 == text.size() || text[at + 1] != quote) break;
      ++at;
    }
    literal += text[at++];
  }
  ++at;
  return literal;
}

std::size_t end_of_word(std::string_view text, std::size_t at) {
  while (at < text.size() && !is_space(text[at]) && text[at] != '"' && text[at] != '\'') ++at;
  return at;
}

std::vector<std::string> plain_words(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && !is_space(text[at])) ++at;
    words.emplace_back(text.substr(begin, at - begin));
  }
  return words;
}

/// A name in COPY without its quotes and full stop.
std::string bare_name(std::string name) {
  std::erase_if(name, [](char c) { return c == '"' || c == '\''; });
  if (name.ends_with('.')) name.pop_back();
  return name;
}

/// The name at words[at]; of `COPY name OF library` the path that cobc makes of the two.
std::string copybook_name(const std::vector<std::string>& words, std::size_t at) {
  const std::string name = bare_name(words[at]);
  if (at + 2 >= words.size()) return name;
  const std::string joint = in_capitals(words[at + 1]);
  return joint == "OF" || joint == "IN" ? bare_name(words[at + 2]) + "/" + name : name;
}

/// What may be the name in each COPY: it may stand on the next line, behind that line's sequence number.
std::vector<std::string> names_in_copy(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string verb = in_capitals(words[i]);
    if (verb != "COPY" && verb != "INCLUDE") continue;  // cobc takes the one for the other
    for (std::size_t next = i + 1; next < std::min(i + 3, words.size()); ++next)
      names.push_back(copybook_name(words, next));
  }
  return names;
}

/// A source in fixed form without sequence numbers, indicators, and what stands behind the code.
std::string columns_8_to_72(std::string_view text) {
  std::string code;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.size() > 7) code += line.substr(7, 65);
    code += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return code;
}

std::optional<fs::path> find_copybook(const std::string& name, const std::vector<fs::path>& folders) {
  if (name.empty()) return std::nullopt;
  constexpr std::array kExtensions{"", ".CPY", ".cpy", ".CBL", ".cbl", ".COB", ".cob"};
  for (const std::string& spelling : {name, in_capitals(name)}) {
    for (const fs::path& folder : folders) {
      for (const char* extension : kExtensions) {
        fs::path candidate = folder / (spelling + extension);
        std::error_code error;
        if (fs::is_regular_file(candidate, error)) return candidate;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<Token> tokens_of(std::string_view preprocessed) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < preprocessed.size();) {
    const char c = preprocessed[at];
    if (c == '#' && (at == 0 || preprocessed[at - 1] == '\n')) {  // #line
      at = std::min(preprocessed.find('\n', at), preprocessed.size());
    } else if (c == '"' || c == '\'') {
      tokens.push_back({literal_at(preprocessed, at), true});
    } else if (is_space(c)) {
      ++at;
    } else {
      const std::size_t end = end_of_word(preprocessed, at);
      std::string word = in_capitals(preprocessed.substr(at, end - at));
      at = end;
      const bool stop = word.ends_with('.');
      if (stop) word.pop_back();
      while (word.ends_with(',') || word.ends_with(';')) word.pop_back();
      if (!word.empty()) tokens.push_back({word, false});
      if (stop) tokens.push_back({".", false});
    }
  }
  return tokens;
}

std::vector<fs::path> copybooks_of(const fs::path& source, const std::vector<fs::path>& folders) {
  std::vector<fs::path> found;
  std::vector<fs::path> to_read{source};
  while (!to_read.empty()) {
    const std::string text = read_small_file(to_read.back());
    to_read.pop_back();
    // A copybook may be in the other form than its source: both readings are looked at.
    for (const std::vector<std::string>& words : {plain_words(text), plain_words(columns_8_to_72(text))}) {
      for (const std::string& name : names_in_copy(words)) {
        const auto copybook = find_copybook(name, folders);
        if (!copybook || std::find(found.begin(), found.end(), *copybook) != found.end()) continue;
        found.push_back(*copybook);
        to_read.push_back(*copybook);
      }
    }
  }
  return found;
}

}  // namespace ledgermill::cobol
