// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ledgermill::dashboard {

/// A text that stands in the source: names of elements and attributes can be nothing else, so no text of a file or a
/// ledger can become markup.
class Literal {
 public:
  template <std::size_t N>
  consteval Literal(const char (&text)[N]) : text_(text, N - 1) {}  // NOLINT: a literal where a name is wanted
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// An attribute of an element, or a parameter of an address.
struct Attribute {
  Literal name;
  std::string value;
};
using Attributes = std::vector<Attribute>;

/// Writes HTML (and SVG inside it). There is no way to write text or an attribute's value that is not escaped.
/// Bytes that are not UTF-8, and control characters, are shown as U+FFFD: a page is valid UTF-8 whatever it shows.
class Html {
 public:
  Html& open(Literal element, const Attributes& attributes = {});
  Html& close();  ///< the element opened last
  /// An element without content: `<input>`, `<rect/>`.
  Html& leaf(Literal element, const Attributes& attributes = {});
  Html& text(std::string_view text);
  /// open, text, close.
  Html& element(Literal element, std::string_view text, const Attributes& attributes = {});
  Html& link(const std::string& address, std::string_view text) { return element("a", text, {{"href", address}}); }

  /// The document, with its doctype. Every element must be closed.
  std::string document() &&;
  /// What was written, without a doctype.
  std::string fragment() &&;

 private:
  void begin(Literal element, const Attributes& attributes);
  std::string out_;
  std::vector<Literal> open_;
};

/// "/batch" and {{"id", "a/b"}} to "/batch?id=a%2Fb". Parameters with an empty value are left out.
std::string address(Literal path, const Attributes& parameters = {});

/// Text as it may stand in HTML, inside an attribute's quotes or out of them.
void append_escaped(std::string& out, std::string_view text);

}  // namespace ledgermill::dashboard
