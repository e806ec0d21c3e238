// The console, a page that asks the API as every other client does: what it may is what its user
// may. It is in the program and asks no other host for anything but images.
#include "gesso/api/console_page.hpp"
#include "gesso/api/operations.hpp"

namespace gesso::api {
namespace {

// Scripts and styles are files of the program, and no text becomes markup or a script (Trusted
// Types without a policy).
constexpr std::string_view kConsolePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

Result<Content> get_console(InlineCall&, const GetDocument& asked) {
  static const EmbeddedDocument kPage("text/html; charset=utf-8", std::string(console_page()));
  Content content = kPage.answer(asked);
  content.headers.emplace_back("Content-Security-Policy", kConsolePolicy);
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
