// The console, a page that asks the API as every other client does: what it may is what its user
// may. It is in the program and asks no other host for anything but images.
#include "gesso/api/console_page.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/images/blob_store.hpp"

namespace gesso::api {
namespace {

// Where links to images lead: this service as its settings call it, or a store elsewhere. "" where
// there are no images.
std::string image_origin(const Services& services) {
  images::BlobStore* const store = services.generation_hooks.images;
  if (store == nullptr) return {};
  constexpr std::string_view kAny = "any.png";
  const std::string url = services.local_images.store != nullptr
                              ? store->link(kAny, services.repository_context.clock.now())
                              : store->address(kAny);
  const std::size_t host = url.find("://");
  if (host == std::string::npos) return {};
  return url.substr(0, url.find('/', host + 3));
}

// Scripts and styles are files of the program, and no text becomes markup or a script (Trusted
// Types without a policy).
std::string policy(const Services& services) {
  return "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
         "img-src 'self' data: blob: " +
         image_origin(services) +
         "; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
         "require-trusted-types-for 'script'; trusted-types 'none'";
}

Result<Content> get_console(InlineCall& call, const GetDocument& asked) {
  static const EmbeddedDocument kPage("text/html; charset=utf-8", std::string(console_page()));
  Content content = kPage.answer(asked);
  content.headers.emplace_back("Content-Security-Policy", policy(call.services));
  return content;
}

Result<Redirect> get_console_folder(InlineCall&, const NoInput&) {
  return Redirect{.location = "../console"};
}

Result<Content, NotFound> get_console_asset(InlineCall&, const GetAsset& asked) {
  if (auto found = find_asset(console_assets(), asked)) return *std::move(found);
  return NotFound{.detail = "There is nothing at this path"};
}

constexpr Operation kOperations[] = {
    operation<get_console>({.path = "/console",
                            .id = "getConsole",
                            .tag = "Console",
                            .summary = "A page for users and for administrators.",
                            .access = Access::kPublic,
                            .limit = LimitClass::kNone,
                            .hidden = true}),
    operation<get_console_folder>({.path = "/console/",
                                   .id = "getConsoleFolder",
                                   .tag = "Console",
                                   .summary = "The way to that page.",
                                   .access = Access::kPublic,
                                   .limit = LimitClass::kNone,
                                   .hidden = true}),
    operation<get_console_asset>({.path = "/console/assets/{name}",
                                  .id = "getConsoleAsset",
                                  .tag = "Console",
                                  .summary = "What that page loads.",
                                  .access = Access::kPublic,
                                  .limit = LimitClass::kNone,
                                  .hidden = true}),
};

}  // namespace

Operations console_operations() { return kOperations; }

}  // namespace gesso::api
