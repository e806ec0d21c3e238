#include "gesso/api/embedded.hpp"

#include <algorithm>
#include <utility>

#include "gesso/api/gzip.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"

namespace gesso::api {

EmbeddedDocument::EmbeddedDocument(std::string_view type, std::string text)
    : type_(type), text_(std::move(text)), compressed_(gzip(text_)) {
  // Weak, since both encodings have it.
  etag_ = "W/\"" + hex(sha256(text_)).substr(0, 32) + '"';
}

Content EmbeddedDocument::answer(const GetDocument& asked) const {
  Content content{.type = type_,
                  .headers = {{"ETag", etag_},
                              {"Cache-Control", "no-cache"},  // keep it, and ask whether it is so
                              {"Vary", "Accept-Encoding"}}};
  if (asked.if_none_match && asked.if_none_match->find(etag_.substr(2)) != std::string::npos) {
    content.status = 304;
  } else if (accepts_gzip(asked.accept_encoding)) {
    content.headers.emplace_back("Content-Encoding", "gzip");
    content.body = compressed_;
  } else {
    content.body = text_;
  }
  return content;
}

std::optional<Content> find_asset(std::span<const EmbeddedAsset> assets, const GetAsset& asked) {
  const auto found = std::ranges::find(assets, asked.name, &EmbeddedAsset::name);
  if (found == assets.end()) return std::nullopt;
  const bool compressed = accepts_gzip(asked.accept_encoding);
  Content content{.type = std::string(found->type),
                  .body = compressed ? std::string(found->gzip) : gunzip(found->gzip),
                  // Other bytes would have another name.
                  .headers = {{"Cache-Control", "public, max-age=31536000, immutable"},
                              {"Vary", "Accept-Encoding"}}};
  if (compressed) content.headers.emplace_back("Content-Encoding", "gzip");
  return content;
}

}  // namespace gesso::api
