#include "gesso/client/detail/curl.hpp"

#include <string.h>  // explicit_bzero

#include <algorithm>
#include <charconv>
#include <fstream>
#include <stop_token>

namespace gesso::client::detail {
namespace {

struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using Multi = std::unique_ptr<CURLM, MultiDeleter>;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

CURLcode run(CURLM* multi, const Call& call, std::string_view doing) {
  // The one function of libcurl that another thread may call meanwhile.
  const std::stop_callback wake(call.stop, [multi] { curl_multi_wakeup(multi); });
  while (true) {
    int running = 0;
    CURLMcode code = curl_multi_perform(multi, &running);
    int queued = 0;
    if (const CURLMsg* message = curl_multi_info_read(multi, &queued); message != nullptr) {
      return message->data.result;
    }
    check(call, doing);
    // libcurl wakes for its own timeouts before this one.
    const auto left = std::min(call.deadline.remaining(), std::chrono::milliseconds{60'000});
    if (code == CURLM_OK) {
      code = curl_multi_poll(multi, nullptr, 0, static_cast<int>(left.count()), nullptr);
    }
    if (code != CURLM_OK) {
      throw Error(ErrorKind::kInternal, std::string("libcurl: ") + curl_multi_strerror(code));
    }
  }
}

bool is_port(std::string_view text) {
  int port = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && last == text.data() + text.size() && port > 0 && port <= 65'535;
}

// HOST:PORT:ADDRESS:PORT, where an IPv6 address stands in brackets. As libcurl has it, HOST and
// PORT may be empty, which is any, and so may be one of the latter two, which leaves it as it was.
bool is_connect_to(std::string_view entry) {
  const std::size_t last = entry.rfind(':');
  const std::size_t first = entry.find(':', entry.starts_with('[') ? entry.find(']') : 0);
  if (first == std::string_view::npos) return false;
  const std::size_t second = entry.find(':', first + 1);
  if (second >= last) return false;
  const std::string_view from = entry.substr(first + 1, second - first - 1);
  const std::string_view address = entry.substr(second + 1, last - second - 1);
  const std::string_view to = entry.substr(last + 1);
  return entry.substr(0, first).find('*') == std::string_view::npos &&  // libcurl knows none
         (from.empty() || is_port(from)) && (to.empty() || is_port(to)) &&
         !(address.empty() && to.empty());
}

}  // namespace

std::vector<std::string> parse_connect_to(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view entry = trimmed(text.substr(0, comma));
    if (!is_connect_to(entry)) {
      throw Error(ErrorKind::kValidation,
                  "connect-to: expected HOST:PORT:ADDRESS:PORT, comma-separated, found \"" +
                      std::string(entry) + "\"");
    }
    entries.emplace_back(entry);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return entries;
}

void check_ca_file(const std::string& file) {
  if (!file.empty() && !std::ifstream(file)) {
    throw Error(ErrorKind::kValidation,
                "CA file: expected a PEM file that can be read, found " + file);
  }
}

void WipingListDeleter::operator()(curl_slist* list) const {
  for (curl_slist* node = list; node != nullptr; node = node->next) {
    ::explicit_bzero(node->data, ::strlen(node->data));
  }
  curl_slist_free_all(list);
}

void append(List& list, const char* line) {
  curl_slist* grown = curl_slist_append(list.get(), line);
  if (grown == nullptr) throw std::bad_alloc();
  (void)list.release();
  list.reset(grown);
}

void initialise_libcurl() {  // thread-safe since libcurl 7.84
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw Error(ErrorKind::kInternal, "libcurl could not be initialised");
}

CURLcode perform(const Easy& easy, const Call& call, std::string_view doing,
                 const std::function<void(Ending)>& before_close) {
  const Multi multi(curl_multi_init());
  if (!multi || curl_multi_add_handle(multi.get(), easy.get()) != CURLM_OK) throw std::bad_alloc();
  const auto end = [&](Ending ending) {
    if (before_close) before_close(ending);
    curl_multi_remove_handle(multi.get(), easy.get());
  };
  try {
    const CURLcode code = run(multi.get(), call, doing);
    end(Ending::kByItself);
    return code;
  } catch (...) {
    end(Ending::kByCall);
    throw;
  }
}

}  // namespace gesso::client::detail
