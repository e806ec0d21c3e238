// Connection strings, as a vault gives them and as people write them: each is read or refused
// (kValidation), what is read is read the same again, and nothing that is shown or thrown holds
// the password.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "gesso/base/error.hpp"
#include "gesso/mongo/uri.hpp"

namespace {

void check(bool good) {
  if (!good) __builtin_trap();
}

bool shows(std::string_view text, std::string_view secret) {
  return text.find(secret) != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gesso;
  using mongo::DriverUri;
  using mongo::prepare_uri;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const mongo::UriOptions options;

  try {
    const DriverUri uri = prepare_uri(Secret(std::string_view(text)), options);
    check(!uri.hosts.empty());
    const DriverUri again = prepare_uri(uri.text, options);
    check(again.hosts == uri.hosts && again.redacted == uri.redacted);
  } catch (const Error& error) {
    check(error.kind() == ErrorKind::kValidation);
  }

  // A password that is known, and the input around it: the first line in place of the user's name,
  // the second behind the password, where a raw key may go on.
  static constexpr std::string_view kPassword = "Pa55w0rdThatMustNotShow";
  if (shows(text, kPassword)) return 0;  // a fuzzer that learns it would put it elsewhere
  const std::size_t line = std::min(text.find('\n'), text.size());
  std::string user = text.substr(0, line);
  const std::string rest = text.substr(std::min(line + 1, text.size()));
  for (char& c : user) {
    if (c == ':' || c == '?') c = '.';  // else the password is another part of the string
  }
  const std::string whole = "mongodb://" + user + ":" + std::string(kPassword) + rest;
  try {
    const DriverUri uri = prepare_uri(Secret(std::string_view(whole)), options);
    check(!shows(uri.redacted, kPassword));
  } catch (const Error& error) {
    check(error.kind() == ErrorKind::kValidation);
    check(!shows(error.what(), kPassword));
  }
  return 0;
}
