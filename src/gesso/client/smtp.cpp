#include "gesso/client/smtp.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/client/detail/curl.hpp"
#include "gesso/client/mail_message.hpp"
#include "gesso/client/url.hpp"

namespace gesso::client {
namespace {

using detail::append;
using detail::Easy;
using detail::List;
using detail::set;

// What is left to send.
struct Upload {
  std::string mail;
  std::size_t sent = 0;

  ~Upload() { wipe(mail); }
};

std::size_t on_read(char* to, std::size_t size, std::size_t count, void* user) noexcept {
  auto& upload = *static_cast<Upload*>(user);
  const std::size_t bytes = std::min(size * count, upload.mail.size() - upload.sent);
  std::memcpy(to, upload.mail.data() + upload.sent, bytes);
  upload.sent += bytes;
  return bytes;
}

// The connection's sockets. Where libcurl closes a connection it says QUIT and waits two minutes
// for the answer, whatever time the message had left; nobody needs that answer.
struct Sockets {
  std::vector<curl_socket_t> open;

  void before_close(detail::Ending ending) const {
    const int how = ending == detail::Ending::kByItself ? SHUT_RD : SHUT_RDWR;
    for (const curl_socket_t socket : open) ::shutdown(socket, how);
  }
};

curl_socket_t on_open(void* user, curlsocktype, curl_sockaddr* address) noexcept try {
  auto& sockets = *static_cast<Sockets*>(user);
  sockets.open.reserve(sockets.open.size() + 1);
  const curl_socket_t socket =
      ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket >= 0) sockets.open.push_back(socket);
  return socket;
} catch (...) {
  return CURL_SOCKET_BAD;
}

int on_close(void* user, curl_socket_t socket) noexcept {
  std::erase(static_cast<Sockets*>(user)->open, socket);
  return ::close(socket);
}

// What a server tells us needs no reading: libcurl would write it to standard output.
std::size_t on_write(char*, std::size_t size, std::size_t count, void*) noexcept {
  return size * count;
}

Error failure(CURLcode code, long reply, const std::string& server, std::string reason) {
  // A reply of 4xx passes, one of 5xx does not (RFC 5321, 4.2.1).
  const bool refused = reply >= 400;
  const Error::Details details{.retryable = !refused || reply < 500};
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {
          ErrorKind::kTimeout, server + ": no reply in time (" + reason + ")", {.retryable = true}};
    case CURLE_LOGIN_DENIED:
    case CURLE_AUTH_ERROR:
      return {ErrorKind::kAuth, server + ": our user or password is refused"};
    case CURLE_USE_SSL_FAILED:
      return {ErrorKind::kUnavailable, server + ": it offers no STARTTLS (" + reason + ")"};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
      return {ErrorKind::kUnavailable,
              server + ": its certificate is not trusted (" + reason + ")"};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {ErrorKind::kUnavailable,
              server + ": its name was not found (" + reason + ")",
              {.retryable = true}};
    default:
      return {ErrorKind::kUnavailable, server + ": " + reason, details};
  }
}

class SmtpClient final : public MailClient {
  SmtpOptions options_;
  std::vector<std::string> connect_to_;
  std::string server_;  // "smtps://mail.example.com:465", for libcurl and for messages
  const Clock& clock_;
  Random& random_;

  void prepare(const Easy& easy) const {
    // The path is our own name; without one libcurl takes the machine's.
    set(easy, CURLOPT_URL, (server_ + "/" + options_.hello).c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(easy, CURLOPT_USE_SSL,
        static_cast<long>(options_.tls == SmtpTls::kNone ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(easy, CURLOPT_NOPROXY, "*");  // those of the environment are for HTTP
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_QUICK_EXIT, 1L);  // a call that ends does not wait for a name's look-up
    if (!options_.ca_file.empty()) set(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
    // Of each answer: the one to QUIT, after a refusal, comes with no other limit.
    const auto whole = std::chrono::ceil<std::chrono::seconds>(options_.timeout);
    set(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(whole.count()));
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    if (!options_.user.empty()) {
      std::string password(options_.password.reveal());
      set(easy, CURLOPT_USERNAME, options_.user.c_str());
      set(easy, CURLOPT_PASSWORD, password.c_str());
      wipe(password);
    }
  }

  std::string message_id() {
    std::array<std::uint8_t, 16> bytes{};
    random_.fill(bytes);
    return hex(bytes);
  }

 public:
  SmtpClient(SmtpOptions options, std::vector<std::string> connect_to, const Clock& clock,
             Random& random)
      : options_(std::move(options)),
        connect_to_(std::move(connect_to)),
        server_((options_.tls == SmtpTls::kImplicit ? "smtps://" : "smtp://") + options_.host +
                ":" + std::to_string(options_.port)),
        clock_(clock),
        random_(random) {}

  void send(const Mail& mail, const Call& call) override {
    const std::string doing = "sending mail by " + server_;
    check(call, doing);
    Upload upload{write_mail(mail, {.from = options_.from,
                                    .from_name = options_.from_name,
                                    .date = clock_.now(),
                                    .message_id = message_id()})};
    std::array<char, CURL_ERROR_SIZE> reason{};
    List recipients;
    append(recipients, ("<" + mail.to + ">").c_str());
    List connect_to;
    for (const std::string& entry : connect_to_) append(connect_to, entry.c_str());
    Sockets sockets;
    const Easy easy(curl_easy_init());
    if (!easy) throw std::bad_alloc();
    prepare(easy);
    set(easy, CURLOPT_OPENSOCKETFUNCTION, &on_open);
    set(easy, CURLOPT_OPENSOCKETDATA, &sockets);
    set(easy, CURLOPT_CLOSESOCKETFUNCTION, &on_close);
    set(easy, CURLOPT_CLOSESOCKETDATA, &sockets);
    set(easy, CURLOPT_MAIL_FROM, ("<" + options_.from + ">").c_str());
    set(easy, CURLOPT_MAIL_RCPT, recipients.get());
    set(easy, CURLOPT_CONNECT_TO, connect_to.get());
    set(easy, CURLOPT_ERRORBUFFER, reason.data());
    set(easy, CURLOPT_UPLOAD, 1L);
    set(easy, CURLOPT_READFUNCTION, &on_read);
    set(easy, CURLOPT_READDATA, &upload);
    set(easy, CURLOPT_WRITEFUNCTION, &on_write);

    const CURLcode code = detail::perform(
        easy, call, doing, [&](detail::Ending ending) { sockets.before_close(ending); });
    if (code == CURLE_OK) return;
    long reply = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &reply);
    throw failure(code, reply, server_,
                  reason[0] != '\0' ? reason.data() : curl_easy_strerror(code));
  }
};

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kValidation, what); }

}  // namespace

std::unique_ptr<MailClient> make_smtp_client(SmtpOptions options, const Clock& clock,
                                             Random& random) {
  detail::initialise_libcurl();
  auto connect_to = detail::parse_connect_to(options.connect_to);
  detail::check_ca_file(options.ca_file);
  const auto url = parse_url("http://" + options.host);
  if (!url || url->host != lower(options.host)) {
    refuse("SMTP: expected a server's name or its IPv4 address, found \"" + options.host + "\"");
  }
  if (options.port < 1 || options.port > 65'535) refuse("SMTP: expected a port of 1 to 65535");
  if (!is_mail_address(options.from)) {
    refuse("SMTP: expected a sender's address, found \"" + options.from + "\"");
  }
  if (!std::ranges::all_of(options.hello,
                           [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; })) {
    refuse("SMTP: expected our own name in letters, digits, '-' and '.'");
  }
  if (options.tls == SmtpTls::kNone && !options.user.empty() && !url->is_local()) {
    refuse("SMTP: a password is not sent in clear to another machine; use STARTTLS");
  }
  return std::make_unique<SmtpClient>(std::move(options), std::move(connect_to), clock, random);
}

}  // namespace gesso::client
