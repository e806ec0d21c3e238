#include "gesso/mongo/uri.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/mongo/dialect.hpp"

namespace gesso::mongo {
namespace {

using std::chrono::milliseconds;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::kValidation, "the connection string cannot be read: " + why);
}

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// Encodes what may not stand raw in the user information of a URI; escapes that stand are kept.
std::string encode_raw(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const bool escape = text.size() > 2 && text[0] == '%' && is_hex(text[1]) && is_hex(text[2]);
    if (escape) {
      out += text.substr(0, 3);
    } else {
      append_percent_encoded(out, text.substr(0, 1));
    }
    text.remove_prefix(escape ? 3 : 1);
  }
  return out;
}

struct Option {
  std::string name;  // as it was written
  std::string value;
};

struct Parts {
  std::string_view scheme;  // with "://"
  std::string user;
  std::string password;
  bool has_user = false;
  bool has_password = false;
  std::string_view hosts;
  std::string_view database;
  std::vector<Option> options;

  ~Parts() { wipe(password); }
};

template <class F>
void split(std::string_view text, std::string_view separators, F&& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) each(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

// Options whose value may be a secret.
constexpr std::array<std::string_view, 3> kSecret{
    "authmechanismproperties", "tlscertificatekeyfilepassword", "sslclientcertificatekeypassword"};

template <class List>
bool holds(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// What is left when a password holds a raw '?', '/' or '@' looks like hosts, a database and
// options, and would be shown as such. So each must look like one.
constexpr std::string_view kEncode =
    " (a password with '?', '/', '@' or ':' in it must be percent-encoded)";

void check_host(std::string_view host) {
  std::string_view port;
  bool good = true;
  if (host.starts_with('[')) {
    const std::size_t end = std::min(host.find(']'), host.size() - 1);
    const std::string_view address = host.substr(1, end - 1);
    good = host[end] == ']' && std::all_of(address.begin(), address.end(), [](char c) {
             return is_hex(c) || c == ':' || c == '.';
           });
    port = host.substr(end + 1);
  } else {
    const std::size_t colon = std::min(host.find(':'), host.size());
    good = colon > 0;
    port = host.substr(colon);
  }
  if (!port.empty()) {
    good = good && port.size() > 1 && port.front() == ':' &&
           std::all_of(port.begin() + 1, port.end(), [](char c) { return c >= '0' && c <= '9'; });
  }
  if (!good) refuse("expected HOST or HOST:PORT behind the credentials" + std::string(kEncode));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

void parse(std::string_view uri, Parts& parts) {
  uri = trimmed(uri);  // files and shells leave a line's end behind
  for (const std::string_view scheme : {"mongodb://", "mongodb+srv://"}) {
    if (uri.starts_with(scheme)) parts.scheme = scheme;
  }
  if (parts.scheme.empty()) refuse("expected mongodb:// or mongodb+srv:// at its beginning");
  uri.remove_prefix(parts.scheme.size());

  // A raw key may hold '/', but no '?' and no '@': the last '@' before the options ends it.
  const std::size_t question = uri.find('?');
  std::string_view front = uri.substr(0, question);
  if (question != std::string_view::npos) {
    split(uri.substr(question + 1), "&;", [&](std::string_view text) {
      const std::size_t equals = text.find('=');
      if (equals == std::string_view::npos) {
        refuse("expected name=value behind the '?'" + std::string(kEncode));
      }
      parts.options.push_back(
          {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))});
    });
  }
  if (const std::size_t at = front.rfind('@'); at != std::string_view::npos) {
    const std::string_view user_info = front.substr(0, at);
    const std::size_t colon = user_info.find(':');
    parts.has_user = true;
    parts.has_password = colon != std::string_view::npos;
    parts.user = encode_raw(user_info.substr(0, colon));
    if (parts.has_password) parts.password = encode_raw(user_info.substr(colon + 1));
    front.remove_prefix(at + 1);
    if (parts.user.empty()) refuse("expected a user name before the password");
  }
  const std::size_t slash = front.find('/');
  parts.hosts = front.substr(0, slash);
  if (slash != std::string_view::npos) parts.database = front.substr(slash + 1);
  if (parts.hosts.find_first_not_of(',') == std::string_view::npos) refuse("expected a host");
  split(parts.hosts, ",", check_host);
  if (parts.database.find_first_of(":@") != std::string_view::npos) {
    refuse("expected a database's name behind the hosts" + std::string(kEncode));
  }
  for (const Option& option : parts.options) {
    const std::string name = lower(option.name);
    if (name.find_first_of("@:/") != std::string::npos ||
        (name != "appname" && !holds(kSecret, name) &&
         option.value.find('@') != std::string::npos)) {
      refuse("expected no '@' in an option but appName" + std::string(kEncode));
    }
  }
}

std::string host_name(std::string_view host_and_port) {
  if (host_and_port.starts_with('[')) {
    return std::string(host_and_port.substr(0, host_and_port.find(']') + 1));
  }
  return std::string(host_and_port.substr(0, host_and_port.find(':')));
}

milliseconds parse_milliseconds(const Option& option) {
  std::int64_t value = 0;
  const char* end = option.value.data() + option.value.size();
  const auto [at, error] = std::from_chars(option.value.data(), end, value);
  if (error != std::errc{} || at != end || value < 0) {
    refuse("expected a number of milliseconds as " + option.name + ", found '" + option.value +
           "'");
  }
  return milliseconds{value};
}

bool parse_bool(const Option& option) {
  const std::string value = lower(option.value);
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  refuse("expected true or false as " + option.name + ", found '" + option.value + "'");
}

std::string decoded(const std::string& text, std::string_view what) {
  auto plain = percent_decode(text);
  if (!plain) refuse("expected percent-encoded text as " + std::string(what));
  return *std::move(plain);
}

// "ENVIRONMENT:azure,TOKEN_RESOURCE:https://..."
void read_token_properties(const std::string& properties, TokenLogin& login) {
  split(properties, ",", [&](std::string_view pair) {
    const std::size_t colon = std::min(pair.find(':'), pair.size());
    const std::string name = lower(pair.substr(0, colon));
    const std::string value = decoded(std::string(pair.substr(std::min(colon + 1, pair.size()))),
                                      "authMechanismProperties");
    if (name == "token_resource" && !value.empty()) {
      login.resource = value;
    } else if (name != "environment" || lower(value) != "azure") {
      refuse("expected ENVIRONMENT:azure and TOKEN_RESOURCE:URI as authMechanismProperties");
    }
  });
}

// Takes what is for MONGODB-OIDC out of the parts, where they ask for it.
std::optional<TokenLogin> take_token_login(Parts& parts) {
  const auto is = [](std::string_view name) {
    return [name](const Option& option) { return lower(option.name) == name; };
  };
  const auto mechanism = std::ranges::find_if(parts.options, is("authmechanism"));
  if (mechanism == parts.options.end() || lower(mechanism->value) != "mongodb-oidc") {
    return std::nullopt;
  }
  if (parts.has_password) refuse("expected no password beside authMechanism=MONGODB-OIDC");
  TokenLogin login{.client_id = decoded(parts.user, "the user")};
  for (const Option& option : parts.options) {
    if (is("authmechanismproperties")(option)) read_token_properties(option.value, login);
  }
  std::erase_if(parts.options, is("authmechanism"));
  std::erase_if(parts.options, is("authmechanismproperties"));
  std::erase_if(parts.options, is("authsource"));
  parts.user.clear();
  parts.has_user = false;
  return login;
}

// Ours to set, or not for libmongoc.
constexpr std::array<std::string_view, 12> kReplaced{"maxidletimems",
                                                     "minpoolsize",
                                                     "maxpoolsize",
                                                     "retrywrites",
                                                     "retryreads",
                                                     "waitqueuetimeoutms",
                                                     "connecttimeoutms",
                                                     "sockettimeoutms",
                                                     "serverselectiontimeoutms",
                                                     "waitqueuemultiple",
                                                     "serverselectiontryonce",
                                                     "socketcheckintervalms"};

}  // namespace

DriverUri prepare_uri(const Secret& uri, const UriOptions& options) {
  Parts parts;
  parse(uri.reveal(), parts);

  DriverUri out;
  out.token_login = take_token_login(parts);
  split(parts.hosts, ",", [&](std::string_view host) { out.hosts.push_back(host_name(host)); });
  const bool cosmos = std::any_of(out.hosts.begin(), out.hosts.end(), is_cosmos_host);

  std::vector<Option> kept;
  bool has_w = false;
  bool has_tls = false;
  bool has_app_name = false;
  for (Option& option : parts.options) {
    const std::string name = lower(option.name);
    if (name == "maxidletimems") {
      const milliseconds idle = parse_milliseconds(option);
      if (idle.count() > 0) out.max_idle = idle;  // 0 means no limit
    }
    if (name == "retrywrites") out.retry_writes = parse_bool(option);
    if (holds(kReplaced, name)) continue;
    if (name == "tlscafile" && !options.tls_ca_file.empty()) continue;
    has_w = has_w || name == "w";
    has_tls = has_tls || name == "tls" || name == "ssl";
    has_app_name = has_app_name || name == "appname";
    kept.push_back(std::move(option));
  }
  if (cosmos) out.retry_writes = false;

  const auto add = [&](std::string_view name, std::string value) {
    kept.push_back({std::string(name), std::move(value)});
  };
  if (!has_w) add("w", "majority");
  if (!has_tls && cosmos) add("tls", "true");
  if (!has_app_name && !options.app_name.empty()) add("appName", encode_raw(options.app_name));
  if (!options.tls_ca_file.empty()) add("tlsCAFile", encode_raw(options.tls_ca_file));
  // As libmongoc decides it: what is said; else on by the scheme, or by an option about TLS.
  std::optional<bool> said_tls;
  for (const Option& option : kept) {
    const std::string name = lower(option.name);
    if (name == "tls" || name == "ssl") said_tls = parse_bool(option);
    out.tls = out.tls || name.starts_with("tls") || name.starts_with("ssl");
  }
  out.tls = said_tls.value_or(out.tls || parts.scheme == "mongodb+srv://");
  add("retryWrites", "false");
  add("retryReads", "false");
  add("maxPoolSize", std::to_string(options.max_pool_size));
  const milliseconds selection =
      std::min(options.server_selection_timeout, options.selection_slice);
  add("serverSelectionTimeoutMS", std::to_string(selection.count()));
  add("connectTimeoutMS", std::to_string(options.connect_timeout.count()));
  add("socketTimeoutMS", std::to_string(options.socket_timeout.count()));

  std::string before = std::string(parts.scheme);
  std::string user_info = parts.user;
  std::string after = parts.has_user ? "@" : "";
  after.append(parts.hosts).append("/").append(parts.database);
  std::string shown = after;
  char separator = '?';
  for (const Option& option : kept) {
    const std::string pair = separator + option.name + "=";
    after += pair + option.value;
    shown += pair + (holds(kSecret, lower(option.name)) ? "***" : option.value);
    separator = '&';
  }
  out.redacted = before + user_info + (parts.has_password ? ":***" : "") + shown;
  std::string text = before + user_info;
  text.reserve(text.size() + parts.password.size() + after.size() + 1);
  if (parts.has_password) text.append(":").append(parts.password);
  text += after;
  out.text = Secret(std::move(text));
  return out;
}

}  // namespace gesso::mongo
