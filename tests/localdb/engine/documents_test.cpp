// What fits into a collection.
#include "gesso/localdb/engine/documents.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

// {code: function() {...}} whose scope is `scope`.
bson::Document with_scope(bson::View scope) {
  const std::string code = "f()";
  std::vector<std::uint8_t> bytes;
  const auto number = [&](std::size_t value) {
    const auto length = static_cast<std::uint32_t>(value);
    const auto* const raw = reinterpret_cast<const std::uint8_t*>(&length);
    bytes.insert(bytes.end(), raw, raw + sizeof length);
  };
  number(4 + 4 + code.size() + 1 + scope.size());
  number(code.size() + 1);
  bytes.insert(bytes.end(), code.begin(), code.end());
  bytes.push_back(0);
  bytes.insert(bytes.end(), scope.data(), scope.data() + scope.size());
  return bson::make_document("code", bson::Value(bson::Type::kCodeWithScope, bytes.data()));
}

// A document of so many levels, by documents or by scopes of code.
bson::Document nested(int levels, bool by_code) {
  bson::Document document = bson::make_document("a", 1);
  for (int i = 1; i < levels; ++i) {
    document = by_code ? with_scope(document) : bson::make_document("nested", document);
  }
  return document;
}

TEST(Documents, FitWithAsManyLevelsAsAMessageMayHave) {
  for (const bool by_code : {false, true}) {
    for (const int levels : {bson::View::kMaxDepth, bson::View::kMaxDepth + 1}) {
      const bson::Document document = nested(levels, by_code);
      const bool is_valid = bson::View::validate(document.view().bytes()).has_value();
      EXPECT_EQ(is_valid, levels == bson::View::kMaxDepth);
      if (is_valid) {
        EXPECT_NO_THROW(check_fits(document)) << by_code;
      } else {
        EXPECT_THROW(check_fits(document), CommandError) << by_code;
      }
    }
  }
}

}  // namespace
}  // namespace gesso::localdb
