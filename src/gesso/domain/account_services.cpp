#include "gesso/domain/account_services.hpp"

#include <spdlog/spdlog.h>

namespace gesso::domain {

void log_security_event(std::string_view event, std::string_view subject,
                        const ClientInfo& client) {
  // An address is shown only where it is one, so that nobody writes lines of their own.
  std::string address;
  for (const char c : client.address.substr(0, 64)) {
    const bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                      c == '.' || c == ':';
    address += fits ? c : '?';
  }
  spdlog::info("security: {} user={} address={}", event, subject.empty() ? "-" : subject,
               address.empty() ? "-" : address);
}

}  // namespace gesso::domain
