#include "gesso/http/cors.hpp"

#include <algorithm>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"

namespace gesso::http {
namespace {

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

// scheme://host or scheme://host:port, in lower case, as the Fetch standard serializes an origin.
bool is_origin(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == 0 || colon == std::string_view::npos) return false;
  const std::string_view host = text.substr(colon + 3);
  const auto fits = [](char c) {
    return (is_letter_or_digit(c) && c == lower(c)) || c == '-' || c == '.' || c == '+' ||
           c == ':' || c == '[' || c == ']' || c == '_';
  };
  return !host.empty() && std::ranges::all_of(host, fits) &&
         std::ranges::all_of(text.substr(0, colon), fits);
}

void vary_by_origin(Response& response) {
  for (auto& [name, value] : response.headers) {
    if (equal_ignoring_case(name, "Vary")) {
      if (value != "*" && lower(value).find("origin") == std::string::npos) value += ", Origin";
      return;
    }
  }
  response.headers.emplace_back("Vary", "Origin");
}

}  // namespace

Cors::Cors(const CorsOptions& options)
    : credentials_(options.credentials),
      methods_(join(options.methods)),
      headers_(join(options.headers)),
      exposed_(join(options.exposed)),
      max_age_(std::to_string(options.max_age.count())) {
  for (const std::string& origin : options.origins) {
    if (origin == "*") {
      any_origin_ = true;
    } else if (is_origin(origin)) {
      origins_.push_back(origin);
    } else {
      throw Error(ErrorKind::kValidation,
                  "an origin is a scheme and a host in lower case and, where it is not the "
                  "scheme's own, a port, such as https://app.example, not " +
                      origin);
    }
  }
  if (any_origin_ && !origins_.empty()) {
    throw Error(ErrorKind::kValidation, "\"*\" admits every origin: it stands alone");
  }
  if (any_origin_ && credentials_) {
    throw Error(ErrorKind::kValidation, "credentials need origins by name, not \"*\"");
  }
}

bool Cors::admits(std::string_view origin) const noexcept {
  return !origin.empty() && (any_origin_ || std::ranges::find(origins_, origin) != origins_.end());
}

std::optional<Response> Cors::preflight(const Request& request) const {
  if (request.method != Method::kOptions || (!any_origin_ && origins_.empty())) {
    return std::nullopt;
  }
  const auto origin = request.headers.find("origin");
  if (!origin || !request.headers.find("access-control-request-method")) return std::nullopt;
  Response response{.status = 204, .content_type = ""};
  apply(*origin, response);
  if (admits(*origin)) {
    response.headers.emplace_back("Access-Control-Allow-Methods", methods_);
    response.headers.emplace_back("Access-Control-Allow-Headers", headers_);
    response.headers.emplace_back("Access-Control-Max-Age", max_age_);
  }
  return response;
}

void Cors::apply(std::string_view origin, Response& response) const {
  if (any_origin_) {
    if (!origin.empty()) response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  } else if (!origins_.empty()) {
    vary_by_origin(response);
    if (!admits(origin)) return;
    response.headers.emplace_back("Access-Control-Allow-Origin", origin);
    if (credentials_) response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  }
  if (admits(origin) && !exposed_.empty()) {
    response.headers.emplace_back("Access-Control-Expose-Headers", exposed_);
  }
}

}  // namespace gesso::http
