// SPDX-License-Identifier: Apache-2.0
#include "cloud/signature.h"

#include <gtest/gtest.h>

namespace ledgermill::cloud {

namespace {

std::string signature_of(const SignedRequest& made) {
  const std::string& line = made.headers.back().second;
  return line.substr(line.find("Signature=") + 10);
}

/// Source: AWS Signature Version 4 test suite (aws-sig-v4-test-suite, published by AWS with its General Reference).
/// Keys and time are the suite's.
std::string suite(Request request, PathRule path = PathRule::kTwice) {
  request.host = "example.amazonaws.com";
  return signature_of(sign(request, {"us-east-1", "service", "20150830T123600Z", path, false},
                           {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""}));
}

/// Source: AWS, Amazon S3 API Reference, "Signature Calculations for the Authorization Header", the four examples.
std::string s3(Request request) {
  request.host = "examplebucket.s3.amazonaws.com";
  return signature_of(sign(request, {"us-east-1", "s3", "20130524T000000Z", PathRule::kOnce, true},
                           {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""}));
}

}  // namespace

TEST(Signature, TestSuiteOfAws) {
  EXPECT_EQ(suite({}), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31") << "get-vanilla";
  EXPECT_EQ(suite({.query = {{"Param2", "value2"}, {"Param1", "value1"}}}),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")
      << "get-vanilla-query-order-key-case";
  EXPECT_EQ(suite({.method = "POST"}), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")
      << "post-vanilla";
  EXPECT_EQ(suite({.method = "POST",
                   .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                   .body = "Param1=value1"}),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")
      << "post-x-www-form-urlencoded";
  EXPECT_EQ(suite({.path = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"}),
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f")
      << "get-unreserved";
  // The suite sends this path as it is, so what is signed is encoded once.
  EXPECT_EQ(suite({.path = "/\u1234"}, PathRule::kOnce),
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85")
      << "get-utf8";
  EXPECT_EQ(suite({.headers = {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}}),
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea")
      << "get-header-key-duplicate";
  EXPECT_EQ(suite({.headers = {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}}),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736")
      << "get-header-value-trim";
}

TEST(Signature, PathsAreResolvedExceptForS3) {
  const std::string vanilla = suite({});
  for (const char* path : {"/./", "/example/..", "//", "/example1/example2/../.."}) {
    EXPECT_EQ(suite({.path = path}), vanilla) << path;
  }
  EXPECT_NE(s3({.path = "/a/../b"}), s3({.path = "/b"}));
}

TEST(Signature, ExamplesOfTheS3Reference) {
  EXPECT_EQ(s3({.path = "/test.txt", .headers = {{"Range", "bytes=0-9"}}}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(s3({.method = "PUT",
                .path = "/test$file.text",
                .headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                .body = "Welcome to Amazon S3."}),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  EXPECT_EQ(s3({.query = {{"lifecycle", ""}}}), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(s3({.query = {{"prefix", "J"}, {"max-keys", "2"}}}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(Signature, TheSessionTokenIsSigned) {
  const Request request{.host = "h"};
  const SigningScope scope{"eu-central-1", "sagemaker", "20250330T000000Z"};
  const SignedRequest made = sign(request, scope, {"A", "S", "token"});
  EXPECT_NE(made.canonical_request.find("x-amz-security-token:token\n"), std::string::npos);
  EXPECT_NE(made.headers.back().second.find("SignedHeaders=host;x-amz-date;x-amz-security-token,"), std::string::npos);
}

TEST(Signature, TheUrlHoldsTheBytesThatWereSigned) {
  const SignedRequest made = sign({.host = "h", .path = "/a=b+c d", .query = {{"prefix", "x/y"}, {"list-type", "2"}}},
                                  {"r", "s3", "20250330T000000Z", PathRule::kOnce, true}, {"A", "S", ""});
  EXPECT_EQ(made.url, "h/a%3Db%2Bc%20d?list-type=2&prefix=x%2Fy");
}

TEST(Signature, HmacOfRfc4231) {
  // RFC 4231, test cases 2 and 6 (a key longer than a block).
  const auto hex = [](const std::string& bytes) {
    std::string text;
    for (const char c : bytes) {
      text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
      text += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
    }
    return text;
  };
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace ledgermill::cloud
