// Pages and files within the program, and how browsers are answered that ask for them. web/ holds
// what makes the sources that define them. Functions and constant values; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gesso/api/bind.hpp"
#include "gesso/api/output.hpp"

namespace gesso::api {

struct EmbeddedAsset {
  std::string_view name;  // holds a hash of its bytes: "swagger-ui.0123456789ab.css"
  std::string_view type;  // its Content-Type
  std::string_view gzip;  // its bytes, compressed
};

// What a browser says when it asks for something that it may have already.
struct GetDocument {
  std::optional<std::string> accept_encoding = {};
  std::optional<std::string> if_none_match = {};
};
GESSO_FIELDS(GetDocument, (accept_encoding, "Whether gzip is taken.", kFromHeader),
             (if_none_match, "What is there already.", kFromHeader))

struct GetAsset {
  std::string name;
  std::optional<std::string> accept_encoding = {};
};
GESSO_FIELDS(GetAsset, (name, "With its hash."),
             (accept_encoding, "Whether gzip is taken.", kFromHeader))

// A text that stays the same for as long as the program runs. Immutable.
class EmbeddedDocument {
  std::string type_;
  std::string text_;
  std::string compressed_;
  std::string etag_;

 public:
  EmbeddedDocument(std::string_view type, std::string text);

  // 304 for who has it.
  [[nodiscard]] Content answer(const GetDocument& asked) const;
};

// The asset of that name, to be kept for good; std::nullopt where there is none.
[[nodiscard]] std::optional<Content> find_asset(std::span<const EmbeddedAsset> assets,
                                                const GetAsset& asked);

}  // namespace gesso::api
