// What the endpoints of identities say: a reply gives a good token or an Error, never a token that
// has ended or that could not stand in a header, and no refusal shows what is secret. The same
// bytes as Arc's challenge, as a Retry-After and as a URL.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gesso/azure/secret_file.hpp"
#include "gesso/azure/token_reply.hpp"
#include "gesso/base/error.hpp"
#include "gesso/client/retry.hpp"
#include "gesso/client/url.hpp"

namespace {

using namespace gesso;
using namespace gesso::azure;

constexpr std::string_view kSecret = "hunter2-is-secret";
const Time kNow{std::chrono::seconds{1'769'860'800}};

void require(bool condition) {
  if (!condition) __builtin_trap();
}

void read_token(AccessToken (*read)(std::string_view, Time), std::string_view text) {
  try {
    const AccessToken token = read(text, kNow);
    require(token.expires_on > kNow && token.refresh_on >= kNow);
    require(token.refresh_on < token.expires_on);
    const std::string_view value = token.value.reveal();
    require(!value.empty() &&
            std::ranges::all_of(value, [](char c) { return c > ' ' && c < '\x7F'; }));
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kInternal || error.kind() == ErrorKind::kUnavailable);
  }
}

void read_words(const std::string& words) {
  require(words.find(kSecret) == std::string::npos && words.size() <= 1'000);
  require(
      std::ranges::none_of(words, [](char c) { return c == '\n' || c == '\r' || c == '\x1B'; }));
}

void read_challenge(std::string_view text) {
  std::string path;
  try {
    path = read_arc_challenge(text);
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kAuth);
    return;
  }
  require(!path.empty() && text.find(path) != std::string_view::npos);
  try {
    (void)read_arc_key(path, {.folder = "/nowhere/tokens"});
    require(false);
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kAuth);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_token(&read_token_reply, text);
  read_token(&read_az_output, text);
  const std::array<std::string_view, 1> secrets{kSecret};
  read_words(read_refusal(text, secrets));
  read_words(first_line(text, secrets));
  read_challenge(text);

  const client::HttpResponse response{.status = 429,
                                      .headers = {{"retry-after", std::string(text)}}};
  if (const auto asked = retry_after(response, kNow)) {
    require(*asked >= std::chrono::milliseconds{0} && *asked <= std::chrono::hours{24});
  }
  if (const auto url = client::parse_url(text)) {
    // What was read is what will be written: nothing else can be meant by it.
    const auto again = client::parse_url(url->origin() + url->path);
    require(again && again->origin() == url->origin() && again->path == url->path);
    require(url->host.find('@') == std::string::npos && url->port > 0);
  }
  return 0;
}
