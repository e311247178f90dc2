// SPDX-License-Identifier: Apache-2.0
#include "enrich/answer.h"

#include <gtest/gtest.h>

#include "tests/enrich/orders.h"

namespace ledgermill::testing {
namespace {

using enrich::Answer;
using enrich::Question;

const enrich::EnrichmentDefinition& orders() {
  static const enrich::EnrichmentDefinition definition = orders_enrichment();
  return definition;
}

std::string json_answer(const Question& asked, const std::string& text, const std::string& item = "") {
  return "{\"a_id\":\"" + enrich::question_id(orders(), asked) + "\"" +
         (item.empty() ? "" : ",\"b_item\":\"" + item + "\"") + ",\"c_text\":\"" + text + "\"}";
}

/// "accepted", or the code of the refusal.
std::string verdict(const Question& asked, const std::string& written) {
  const auto answer = enrich::verify_answer(orders(), asked, written);
  return answer ? "accepted" : answer.error().code;
}

std::string text_verdict(const std::string& category, const std::string& text) {
  const Question asked = question(orders(), category, "Lamp");
  const auto verified = enrich::verify_text(orders(), orders().categories[asked.category], text);
  return verified ? "accepted" : verified.error().code;
}

TEST(Answer, AsAskedIsBelieved) {
  const Question standard = question(orders(), "Standard", "Lamp");
  EXPECT_EQ(verdict(standard, json_answer(standard, "Thank you, {customer}, and enjoy the {item}.")), "accepted");
  const Question fresh = question(orders(), "New", "Lamp");
  EXPECT_EQ(verdict(fresh, json_answer(fresh, "Have a look at the {suggested_item} too.", "Desk")), "accepted");
}

TEST(Answer, OfAnotherQuestionIsNot) {
  const Question lamp = question(orders(), "Standard", "Lamp");
  const Question desk = question(orders(), "Standard", "Desk");
  EXPECT_EQ(verdict(desk, json_answer(lamp, "Thank you, {customer}, and enjoy the {item}.")), "wrong-id");
}

TEST(Answer, MustBeOneObjectOfExactlyTheFieldsAskedFor) {
  const Question asked = question(orders(), "Standard", "Lamp");
  const std::string good = json_answer(asked, "Thank you, {customer}, and enjoy the {item}.");
  EXPECT_EQ(verdict(asked, " " + good + "\n"), "accepted");
  EXPECT_EQ(verdict(asked, good + good), "not-json");
  EXPECT_EQ(verdict(asked, good + " I hope this helps"), "not-json");
  EXPECT_EQ(verdict(asked, "```json\n" + good + "\n```"), "not-json");
  EXPECT_EQ(verdict(asked, good.substr(0, good.size() - 4)), "not-json");
  EXPECT_EQ(verdict(asked, ""), "empty");
  EXPECT_EQ(verdict(asked, " \n\t"), "empty");
  EXPECT_EQ(verdict(asked, "[" + good + "]"), "schema");
  EXPECT_EQ(verdict(asked, "{\"category\":\"VIP\"," + good.substr(1)), "schema");
  EXPECT_EQ(verdict(asked, "{\"c_text\":\"first of two\"," + good.substr(1)), "schema");
  EXPECT_EQ(verdict(asked, json_answer(asked, "Thank you, {customer}, for it.", "Desk")), "schema");
  EXPECT_EQ(verdict(asked, "{\"a_id\":1,\"c_text\":\"Thank you for the order.\"}"), "schema");
  EXPECT_EQ(verdict(asked, "{\"a_id\":{\"a_id\":\"x\"},\"c_text\":\"Thank you for the order.\"}"), "schema");
  EXPECT_EQ(verdict(asked, std::string(70000, ' ') + good), "too-long");
}

TEST(Answer, ThoughtsBeforeItAreTakenOffAndACutOneIsACutAnswer) {
  const Question asked = question(orders(), "Standard", "Lamp");
  const std::string good = json_answer(asked, "Thank you, {customer}, and enjoy the {item}.");
  EXPECT_EQ(verdict(asked, "<think>\nHm, {so} be it.\n</think>\n\n" + good), "accepted");
  EXPECT_EQ(verdict(asked, "Hm, so be it.\n</think>\n" + good), "accepted")
      << "the template of R1 opens it in the prompt";
  EXPECT_EQ(verdict(asked, "<think>Hm, so"), "cut");
  EXPECT_EQ(verdict(asked, "Hm, so be it. " + good), "not-json");
}

TEST(Answer, ASuggestionIsOneOfThoseThatMayBeMade) {
  const Question asked = question(orders(), "New", "Lamp");
  const std::string text = "Have a look at the {suggested_item} too.";
  EXPECT_EQ(verdict(asked, json_answer(asked, text, "Desk")), "accepted");
  EXPECT_EQ(verdict(asked, json_answer(asked, text, "Lamp")), "suggestion") << "the product that was ordered";
  EXPECT_EQ(verdict(asked, json_answer(asked, text, "Yacht")), "suggestion");
  EXPECT_EQ(verdict(asked, json_answer(asked, text)), "schema");
}

TEST(AnswerText, ADiscountIsPromisedWhereTheRulesGiveOneAndNowhereElse) {
  EXPECT_EQ(text_verdict("VIP", "Your next order has a {discount} discount."), "accepted");
  EXPECT_EQ(text_verdict("VIP", "Your next order is cheaper for you."), "placeholder") << "{discount} is required";
  EXPECT_EQ(text_verdict("VIP", "Your next order has a 20 {discount} discount."), "forbidden-digit");
  EXPECT_EQ(text_verdict("Standard", "Your next order has a {discount} discount."), "placeholder");
  EXPECT_EQ(text_verdict("Standard", "Your next order has a discount for you."), "forbidden-word");
  EXPECT_EQ(text_verdict("Standard", "Your next order is Free for you."), "forbidden-word");
  EXPECT_EQ(text_verdict("Standard", "Your next order is carefree for you."), "accepted");
}

TEST(AnswerText, PlaceholdersAreThoseAllowedOnceEach) {
  EXPECT_EQ(text_verdict("Standard", "Thank you, {customer}, for the order."), "accepted");
  EXPECT_EQ(text_verdict("Standard", "Thank you, {address}, for the order."), "placeholder");
  EXPECT_EQ(text_verdict("Standard", "Thank you, {customer}{customer}, for it."), "placeholder");
  EXPECT_EQ(text_verdict("Standard", "Thank you, {{customer}}, for the order."), "placeholder");
  EXPECT_EQ(text_verdict("Standard", "Thank you, {customer, for the order."), "placeholder");
  EXPECT_EQ(text_verdict("Standard", "Thank you, customer}, for the order."), "placeholder");
}

TEST(AnswerText, LengthIsCountedInCharacters) {
  std::string text = "Thank you for this";
  EXPECT_EQ(text_verdict("Standard", text), "length") << "18 characters";
  EXPECT_EQ(text_verdict("Standard", text + " \xc3\xa9"), "accepted") << "20 characters, 21 bytes";
  std::string long_text = "We thank you";
  for (int i = 0; i < 20; ++i) long_text += " w" + std::string(1, static_cast<char>('a' + i)) + "rd";
  EXPECT_EQ(text_verdict("Standard", long_text), "accepted");
  EXPECT_EQ(text_verdict("Standard", long_text + std::string(161 - long_text.size(), 'x')), "length");
}

TEST(AnswerText, WhatSteersOrHidesIsRefused) {
  const auto with = [](const std::string& piece) {
    return text_verdict("Standard", "Thank you for the order " + piece + " and enjoy it.");
  };
  EXPECT_EQ(with("of today"), "accepted");
  for (const char* piece : {"\x1b[31m", "\x07", "\xe2\x80\x8b", "\xe2\x80\xae", "\xe2\x80\xa8", "\xef\xbb\xbf",
                            "\xf3\xa0\x81\x81", "\xef\xb8\x8f", "\xc2\x85", "\xee\x80\x80", "\xc2\xad"})
    EXPECT_EQ(with(piece), "hidden-character") << piece;
  for (const char* piece : {"5", "\xd9\xa5", "\xef\xbc\x95", "\xc2\xb2", "\xe0\xa5\xab", "\xe2\x91\xa0"})
    EXPECT_EQ(with(piece), "forbidden-digit") << piece;
  for (const char* piece :
       {"%", "\xef\xbc\x85", "$", "\xe2\x82\xac", "<b>", "<|im_end|>", "`x`", "[a](b)", "a@b", "#", "*a*", "=A"})
    EXPECT_EQ(with(piece), "forbidden-character") << piece;
  for (const char* piece : {"shop.example", "http://shop", "HTTPS shop", "www shop"})
    EXPECT_EQ(with(piece), "forbidden-address") << piece;
  for (const char* piece : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"})
    EXPECT_EQ(with(piece), "encoding") << piece;
}

TEST(AnswerText, NoSentenceIsRefused) {
  EXPECT_EQ(text_verdict("Standard", "........................"), "degenerate");
  EXPECT_EQ(text_verdict("Standard", "thank thank thank thank thank thank"), "degenerate");
  EXPECT_EQ(text_verdict("Standard", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "degenerate");
}

TEST(Embedded, ItsAnswersPassTheSameChecksForEveryQuestion) {
  std::size_t questions = 0;
  for (std::size_t category = 0; category < orders().categories.size(); ++category) {
    for (std::size_t item = 0; item <= orders().question[0].known.size(); ++item, ++questions) {
      const Question asked{category, {item}};
      EXPECT_EQ(verdict(asked, enrich::embedded_answer(orders(), asked)), "accepted");
    }
  }
  EXPECT_EQ(questions, 39U);
}

TEST(Render, FillsInPlaceholdersOnceAndTakesValuesAsText) {
  const auto& vip = orders().categories[0];
  const Answer answer{"{customer}: {discount} off, {item}", ""};
  EXPECT_EQ(enrich::render(vip, answer, {{"customer", "Ann {item} {discount}"}, {"item", "Lamp"}}),
            "Ann {item} {discount}: 10 % off, Lamp");
  EXPECT_EQ(enrich::render(vip, {"{customer}.", ""}, {{"customer", "A\x1b[2Jn\xe2\x80\xaen"}}), "A[2Jnn.");
  EXPECT_EQ(enrich::render(vip, {"{customer}.", ""}, {{"customer", "A\xffn"}}), "A\xef\xbf\xbdn.");
}

TEST(CsvCell, QuotesAndStopsFormulas) {
  EXPECT_EQ(enrich::csv_cell("plain"), "plain");
  EXPECT_EQ(enrich::csv_cell("a,b \"c\""), "\"a,b \"\"c\"\"\"");
  EXPECT_EQ(enrich::csv_cell("=1+1"), "'=1+1");
  EXPECT_EQ(enrich::csv_cell("+1"), "'+1");
  EXPECT_EQ(enrich::csv_cell("-1"), "'-1");
  EXPECT_EQ(enrich::csv_cell("@A1,2"), "\"'@A1,2\"");
  EXPECT_EQ(enrich::csv_cell("1=1"), "1=1");
}

}  // namespace
}  // namespace ledgermill::testing
