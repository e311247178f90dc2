// SPDX-License-Identifier: Apache-2.0
#include "dashboard/html.h"

#include <gtest/gtest.h>

#include "base/failure.h"
#include "dashboard/site.h"

namespace ledgermill::dashboard {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

TEST(Html, TextAndAttributesAreEscaped) {
  Html html;
  html.element("td", "<script>alert('1') & \"2\"</script>", {{"title", "\"><img src=x onerror=alert(1)>"}});
  EXPECT_EQ(std::move(html).fragment(),
            "<td title=\"&quot;&gt;&lt;img src=x onerror=alert(1)&gt;\">&lt;script&gt;alert(&#39;1&#39;) &amp; "
            "&quot;2&quot;&lt;/script&gt;</td>");
}

TEST(Html, BytesThatAreNoUtf8AreShownAsSuch) {
  EXPECT_EQ(escaped("a\xff"
                    "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(escaped("\xc0\xbc"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "an overlong <";
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "a surrogate";
  EXPECT_EQ(escaped("\xe2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "cut off";
  EXPECT_EQ(escaped("\xe2\x82\xac \xf0\x9f\x92\xb6"), "\xe2\x82\xac \xf0\x9f\x92\xb6");
}

TEST(Html, CharactersThatHideOrTurnTextAreShownAsSuch) {
  EXPECT_EQ(escaped(std::string_view("a\0b", 3)),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(escaped("a\x1b[31m"), "a\xEF\xBF\xBD[31m");
  EXPECT_EQ(escaped("\xe2\x80\xae"
                    "fdp.csv"),
            "\xEF\xBF\xBD"
            "fdp.csv")
      << "right-to-left override";
  EXPECT_EQ(escaped("\xe2\x80\x94"), "\xe2\x80\x94") << "a dash of the same block";
}

TEST(Html, AnAddressCarriesAnyTextAsAParameter) {
  EXPECT_EQ(address("/batch", {{"id", "a/b&c=d#e \xc3\xa9"}, {"code", ""}}), "/batch?id=a%2Fb%26c%3Dd%23e%20%C3%A9");
}

TEST(Expectation, IsAFeedAndATimeOfDay) {
  const Expectation expectation = expectation_from_text("transactions=06:30");
  EXPECT_EQ(expectation.feed, "transactions");
  EXPECT_EQ(expectation.minute_of_day, 390);
  for (const char* wrong :
       {"transactions", "transactions=6:30", "transactions=24:00", "transactions=06:60", "=06:30", "a=-1:00"})
    EXPECT_THROW(expectation_from_text(wrong), Failure) << wrong;
}

}  // namespace
}  // namespace ledgermill::dashboard
