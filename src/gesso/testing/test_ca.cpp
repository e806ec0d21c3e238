#include "gesso/testing/test_ca.hpp"

#include <fstream>

namespace gesso::testing {

using std::chrono::hours;

TestCa::TestCa()
    : self_(
          make_certificate({.name = "Gesso test authority", .from = hours{-48}, .to = hours{480}})),
      file_(folder_ / "ca.pem") {
  std::ofstream(file_) << self_.certificate_pem();
}

Certificate TestCa::issue(const std::vector<std::string>& hosts) const {
  return make_certificate(
      {.name = hosts.at(0), .hosts = hosts, .from = hours{-24}, .to = hours{240}}, &self_);
}

Certificate TestCa::issue_expired(const std::vector<std::string>& hosts) const {
  return make_certificate(
      {.name = hosts.at(0), .hosts = hosts, .from = hours{-47}, .to = hours{-24}}, &self_);
}

Certificate TestCa::issue_future(const std::vector<std::string>& hosts) const {
  return make_certificate(
      {.name = hosts.at(0), .hosts = hosts, .from = hours{24}, .to = hours{240}}, &self_);
}

Certificate self_signed(const std::vector<std::string>& hosts, KeyKind kind) {
  return make_certificate(
      {.name = hosts.at(0), .hosts = hosts, .from = hours{-24}, .to = hours{240}, .kind = kind});
}

}  // namespace gesso::testing
