// What people and programs read about the API: /openapi.json, made once from the list of
// operations, and the page at /docs, which is in the program and asks no other host for anything.
#include "gesso/api/docs_page.hpp"
#include "gesso/api/openapi.hpp"
#include "gesso/api/operations.hpp"

namespace gesso::api {

namespace {

// Swagger UI gives elements `style` attributes, and its style sheet has images within itself.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
    "data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

Result<Content> get_openapi(InlineCall& call, const GetDocument& asked) {
  static const EmbeddedDocument kDocument("application/json",
                                          openapi_document(operations(), call.services.version));
  return kDocument.answer(asked);
}

Result<Content> get_docs(InlineCall&, const GetDocument& asked) {
  static const EmbeddedDocument kPage("text/html; charset=utf-8", std::string(docs_page()));
  Content content = kPage.answer(asked);
  content.headers.emplace_back("Content-Security-Policy", kPagePolicy);
  return content;
}

Result<Content, NotFound> get_docs_asset(InlineCall&, const GetAsset& asked) {
  if (auto found = find_asset(docs_assets(), asked)) return *std::move(found);
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
