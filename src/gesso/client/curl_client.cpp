#include "gesso/client/curl_client.hpp"

#include <algorithm>
#include <array>

#include "gesso/base/error.hpp"
#include "gesso/client/detail/curl.hpp"
#include "gesso/client/url.hpp"

namespace gesso::client {
namespace {

using detail::append;
using detail::Easy;
using detail::List;
using detail::set;

constexpr std::size_t kMaxHeaders = std::size_t{64} << 10;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = std::min(text.find_first_not_of(kBlank), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

// What libcurl's callbacks fill.
struct Reply {
  HttpResponse response;
  std::string body;
  std::size_t header_bytes = 0;
  bool headers_ended = false;
  std::string refused = {};  // why we ended it ourselves
  std::size_t max_body = 0;

  ~Reply() { wipe(body); }
};

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) noexcept try {
  auto& reply = *static_cast<Reply*>(user);
  const std::string_view line(data, size);
  reply.header_bytes += size;
  if (reply.header_bytes > kMaxHeaders) {
    reply.refused = "the headers of its reply are longer than 64 KiB";
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // an interim reply's headers are not the reply's
    reply.response.headers.clear();
    reply.headers_ended = false;
    return size;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    reply.headers_ended = trimmed(line).empty();
    return size;
  }
  std::string name(line.substr(0, colon));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  reply.response.headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
  return size;
} catch (...) {
  return 0;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) noexcept try {
  auto& reply = *static_cast<Reply*>(user);
  const std::size_t needed = reply.body.size() + size;
  if (needed > reply.max_body) {
    reply.refused = "its reply is longer than " + std::to_string(reply.max_body) + " bytes";
    return 0;
  }
  if (needed > reply.body.capacity()) {  // string's own growth would leave a copy behind
    std::string larger;
    larger.reserve(std::max<std::size_t>(2 * needed, 16'384));
    larger = reply.body;
    wipe(reply.body);
    reply.body = std::move(larger);
  }
  reply.body.append(data, size);
  return size;
} catch (...) {
  return 0;
}

Error failure(CURLcode code, const std::string& origin, const char* said, const Reply& reply) {
  std::string reason = said[0] != '\0' ? said : curl_easy_strerror(code);
  bool retryable = true;
  if (!reply.refused.empty()) {
    reason = reply.refused;
    retryable = false;
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {
          ErrorKind::kTimeout, origin + ": no reply in time (" + reason + ")", {.retryable = true}};
    case CURLE_COULDNT_RESOLVE_HOST:
      reason = "its name was not found (" + reason + ")";
      break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
      reason = "its certificate is not trusted (" + reason + ")";
      retryable = false;
      break;
    default:
      break;
  }
  return {ErrorKind::kUnavailable, origin + ": " + reason, {.retryable = retryable}};
}

class CurlClient final : public HttpClient {
  CurlOptions options_;
  std::vector<std::string> connect_to_;

  void prepare(const Easy& easy, const HttpRequest& request, const Url& url) const {
    set(easy, CURLOPT_URL, (url.origin() + url.path).c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_QUICK_EXIT, 1L);  // a call that ends does not wait for a name's look-up
    set(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
    if (!options_.ca_file.empty()) set(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    if (request.direct) set(easy, CURLOPT_NOPROXY, "*");
    set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
      set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.reveal().size()));
      set(easy, CURLOPT_POSTFIELDS, request.body.reveal().data());
    }
    set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  static List header_lines(const HttpRequest& request) {
    List lines;
    for (const auto& [name, value] : request.headers) {
      const auto breaks = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
      if (std::ranges::any_of(name, breaks) || std::ranges::any_of(value.reveal(), breaks)) {
        throw Error(ErrorKind::kValidation,
                    "header " + name + ": expected a value without line breaks");
      }
      // A name and a semicolon are libcurl's way to say: this header, with nothing in it.
      std::string line;
      line.reserve(name.size() + value.reveal().size() + 2);
      line += name;
      line += value.empty() ? ";" : ": ";
      line += value.reveal();
      append(lines, line.c_str());
      wipe(line);
    }
    return lines;
  }

 public:
  CurlClient(CurlOptions options, std::vector<std::string> connect_to)
      : options_(std::move(options)), connect_to_(std::move(connect_to)) {}

  HttpResponse send(const HttpRequest& request, const Call& call) override {
    const auto url = parse_url(request.url);
    if (!url) throw Error(ErrorKind::kValidation, "expected an absolute http or https URL");
    const std::string origin = url->origin();
    if (!options_.allowed.allow(*url)) {
      throw Error(ErrorKind::kValidation, origin + ": not among the servers that may be called");
    }
    const std::string doing = "asking " + origin;
    check(call, doing);

    Reply reply;
    reply.max_body = options_.max_reply;
    std::array<char, CURL_ERROR_SIZE> reason{};
    List lines = header_lines(request);
    List connect_to;
    for (const std::string& entry : connect_to_) append(connect_to, entry.c_str());
    const Easy easy(curl_easy_init());
    if (!easy) throw std::bad_alloc();
    prepare(easy, request, *url);
    set(easy, CURLOPT_HTTPHEADER, lines.get());
    set(easy, CURLOPT_CONNECT_TO, connect_to.get());
    set(easy, CURLOPT_ERRORBUFFER, reason.data());
    set(easy, CURLOPT_HEADERFUNCTION, &on_header);
    set(easy, CURLOPT_HEADERDATA, &reply);
    set(easy, CURLOPT_WRITEFUNCTION, &on_body);
    set(easy, CURLOPT_WRITEDATA, &reply);

    const CURLcode code = detail::perform(easy, call, doing);
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT) {
      throw NotSent(failure(code, origin, reason.data(), reply));
    }
    if (code != CURLE_OK) throw failure(code, origin, reason.data(), reply);
    if (!reply.headers_ended) {  // which libcurl takes for a reply without a body
      throw Error(ErrorKind::kUnavailable, origin + ": its reply ended amid its headers",
                  {.retryable = true});
    }
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    reply.response.status = static_cast<int>(status);
    reply.response.body = Secret(std::move(reply.body));
    return std::move(reply.response);
  }
};

}  // namespace

std::unique_ptr<HttpClient> make_curl_client(CurlOptions options) {
  detail::initialise_libcurl();
  auto connect_to = detail::parse_connect_to(options.connect_to);
  detail::check_ca_file(options.ca_file);
  return std::make_unique<CurlClient>(std::move(options), std::move(connect_to));
}

}  // namespace gesso::client
