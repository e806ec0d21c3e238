// The certificate of a server on one's own machine.
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>

#include "gesso/base/certificate.hpp"
#include "gesso/base/private_file.hpp"
#include "gesso/localdb/localdb.hpp"

namespace gesso::localdb {
namespace {

constexpr std::chrono::hours kDay{24};
// Apple's clients take no longer ones (825 days), and nobody needs them: the next start makes one.
constexpr std::chrono::hours kLife = 800 * kDay;
constexpr std::chrono::hours kLeast = 30 * kDay;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

LocalCertificate make_local_certificate(const std::filesystem::path& data_dir,
                                        std::vector<std::string> hosts) {
  hosts.insert(hosts.begin(), {"localhost", "127.0.0.1", "::1"});
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0') {
    hosts.emplace_back(name.data());
  }
  const LocalCertificate files{.ca_file = data_dir / "tls-ca.pem",
                               .certificate_file = data_dir / "tls-certificate.pem",
                               .key_file = data_dir / "tls-key.pem"};
  // The authority's file comes last: it stands only beside the certificate that it vouches for.
  if (certificate_serves(read(files.ca_file), {}, kLeast) && !read(files.key_file).empty() &&
      certificate_serves(read(files.certificate_file), hosts, kLeast)) {
    return files;
  }
  std::filesystem::create_directories(data_dir);
  (void)std::filesystem::remove(files.ca_file);
  const Certificate authority =
      make_certificate({.name = "Gesso localdb authority", .from = -kDay, .to = kLife});
  const Certificate own = make_certificate(
      {.name = "localhost", .hosts = hosts, .from = -kDay, .to = kLife}, &authority);
  replace_file(files.key_file, own.key_pem());
  replace_file(files.certificate_file, own.certificate_pem(), Readers::kEverybody);
  replace_file(files.ca_file, authority.certificate_pem(), Readers::kEverybody);
  return files;
}

}  // namespace gesso::localdb
