// What people and programs read about the API: /openapi.json, made once from the list of
// operations, and the page at /docs, which is in the program and asks no other host for anything.
#include "gesso/api/docs_page.hpp"
#include "gesso/api/gzip.hpp"
#include "gesso/api/openapi.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"

namespace gesso::api {

// What a browser says when it asks for something that it may have already.
struct GetDocument {
  std::optional<std::string> accept_encoding = {};
  std::optional<std::string> if_none_match = {};
};
GESSO_FIELDS(GetDocument, (accept_encoding, "Whether gzip is taken.", kFromHeader),
             (if_none_match, "What is there already.", kFromHeader))

struct GetDocsAsset {
  std::string name;
  std::optional<std::string> accept_encoding = {};
};
GESSO_FIELDS(GetDocsAsset, (name, "With its hash."),
             (accept_encoding, "Whether gzip is taken.", kFromHeader))

namespace {

// Swagger UI gives elements `style` attributes, and its style sheet has images within itself.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
    "data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// A text that stays the same for as long as the program runs.
class Document {
  std::string type_;
  std::string text_;
  std::string compressed_;
  std::string etag_;

 public:
  Document(std::string_view type, std::string text)
      : type_(type), text_(std::move(text)), compressed_(gzip(text_)) {
    // Weak, since both encodings have it.
    etag_ = "W/\"" + hex(sha256(text_)).substr(0, 32) + '"';
  }

  [[nodiscard]] Content answer(const GetDocument& asked) const {
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
};

Result<Content> get_openapi(InlineCall& call, const GetDocument& asked) {
  static const Document kDocument("application/json",
                                  openapi_document(operations(), call.services.version));
  return kDocument.answer(asked);
}

Result<Content> get_docs(InlineCall&, const GetDocument& asked) {
  static const Document kPage("text/html; charset=utf-8", std::string(docs_page()));
  Content content = kPage.answer(asked);
  content.headers.emplace_back("Content-Security-Policy", kPagePolicy);
  return content;
}

Result<Content, NotFound> get_docs_asset(InlineCall&, const GetDocsAsset& asked) {
  for (const DocsAsset& asset : docs_assets()) {
    if (asset.name != asked.name) continue;
    const bool compressed = accepts_gzip(asked.accept_encoding);
    Content content{.type = std::string(asset.type),
                    .body = compressed ? std::string(asset.gzip) : gunzip(asset.gzip),
                    // Other bytes would have another name.
                    .headers = {{"Cache-Control", "public, max-age=31536000, immutable"},
                                {"Vary", "Accept-Encoding"}}};
    if (compressed) content.headers.emplace_back("Content-Encoding", "gzip");
    return content;
  }
  return NotFound{.detail = "There is nothing at this path"};
}

constexpr Operation kOperations[] = {
    operation<get_openapi>({.path = "/openapi.json",
                            .id = "getOpenapi",
                            .tag = "Documentation",
                            .summary = "The OpenAPI document.",
                            .access = Access::kPublic,
                            .limit = LimitClass::kNone,
                            .hidden = true}),
    operation<get_docs>({.path = "/docs",
                         .id = "getDocs",
                         .tag = "Documentation",
                         .summary = "The OpenAPI document as a page, to read and to try.",
                         .access = Access::kPublic,
                         .limit = LimitClass::kNone,
                         .hidden = true}),
    operation<get_docs_asset>({.path = "/docs/assets/{name}",
                               .id = "getDocsAsset",
                               .tag = "Documentation",
                               .summary = "What that page loads.",
                               .access = Access::kPublic,
                               .limit = LimitClass::kNone,
                               .hidden = true}),
};

}  // namespace

Operations documentation_operations() { return kOperations; }

}  // namespace gesso::api
