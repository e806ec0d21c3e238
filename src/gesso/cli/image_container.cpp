#include "gesso/cli/image_container.hpp"

#include <utility>

namespace gesso::cli {
namespace {

// One image: who finds another under its name looks at that.
constexpr std::size_t kMaxImage = std::size_t{64} << 20;

IdentityOptions identity_options(const Settings& settings, ContainerOptions& options) {
  IdentityOptions out{
      .wrap = std::move(options.wrap), .attempts = options.attempts, .max_reply = kMaxImage};
  const auto url = azure::read_container_url(settings.image_container_url);
  if (url) out.origins = {url->origin};
  return out;
}

azure::BlobStoreOptions store_options(const Settings& settings, const ContainerOptions& options) {
  azure::BlobStoreOptions out{.container_url = settings.image_container_url,
                              .tenant = settings.image_container_tenant,
                              .link_lifetime = std::chrono::duration_cast<std::chrono::seconds>(
                                  settings.image_link_lifetime),
                              .forbidden_attempts = options.forbidden_attempts};
  out.retry.attempts = options.store_attempts;
  return out;
}

}  // namespace

ImageContainer::ImageContainer(const Settings& settings, const azure::Environment& environment,
                               const Clock& clock, Random& random, ContainerOptions options)
    : identity_(settings, environment, clock, random, identity_options(settings, options)),
      store_(store_options(settings, options), identity_.client(), identity_.tokens(), clock,
             random) {}

}  // namespace gesso::cli
