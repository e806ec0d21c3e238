// What this room's users of libcurl share: handles that end themselves, lists that wipe themselves,
// and a transfer that ends with its call.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/client/call.hpp"

namespace gesso::client::detail {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
// Its lines may hold tokens.
struct WipingListDeleter {
  void operator()(curl_slist* list) const;
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;
using List = std::unique_ptr<curl_slist, WipingListDeleter>;

void append(List& list, const char* line);

// Once in a process, by whoever comes first. Throws Error kInternal.
void initialise_libcurl();

template <class Value>
void set(const Easy& easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy.get(), option, value);
  if (code != CURLE_OK) {
    throw Error(ErrorKind::kInternal,
                std::string("libcurl refuses an option: ") + curl_easy_strerror(code));
  }
}

enum class Ending {
  kByItself,  // well or not
  kByCall,    // its deadline passed, or it was stopped
};

// Blocks until the transfer has ended, and says how; throws where the call ends before it. `doing`
// as for `check`. `before_close` is told how, while the connection stands.
[[nodiscard]] CURLcode perform(const Easy& easy, const Call& call, std::string_view doing,
                               const std::function<void(Ending)>& before_close = {});

// HOST:PORT:ADDRESS:PORT, comma-separated, as libcurl's CONNECT_TO has them. Throws Error
// kValidation.
[[nodiscard]] std::vector<std::string> parse_connect_to(std::string_view text);

// Throws Error kValidation where the file is named and cannot be opened.
void check_ca_file(const std::string& file);

}  // namespace gesso::client::detail
