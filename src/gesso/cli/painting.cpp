#include "gesso/cli/painting.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <thread>

#include "gesso/base/text.hpp"
#include "gesso/providers/preview.hpp"

namespace gesso::cli {
namespace {

constexpr std::string_view kImages = "images";

// A name that no other process has, now or later: of this machine, this process, this moment.
std::string worker_name(Random& random) {
  std::array<char, 33> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::array<std::uint8_t, 6> bytes{};
  random.fill(bytes);
  return std::string(host.data()) + "/" + std::to_string(getpid()) + "/" + hex(bytes);
}

}  // namespace

domain::ModelTable model_table(const Settings& settings) {
  // The settings' own check has passed.
  return domain::ModelTable({domain::read_model(settings.model_stable_diffusion_xl).value(),
                             domain::read_model(settings.model_stable_diffusion_v2).value(),
                             domain::read_model(settings.model_dalle_3).value()});
}

domain::WorkOptions work_options(const Settings& settings) {
  return {.lease = settings.worker_lease};
}

Painting::Painting(const Settings& settings, const std::vector<Secret>& roots,
                   std::function<std::string()> origin, const Clock&, Random&)
    : settings_(settings),
      models_(model_table(settings)),
      links_(roots, std::chrono::duration_cast<std::chrono::seconds>(settings.image_link_lifetime)),
      store_(std::make_unique<images::LocalBlobStore>(
          images::LocalBlobStoreOptions{
              .folder = std::filesystem::path(settings.data_dir) / kImages,
              .origin = std::move(origin)},
          links_)) {
  providers_.push_back(std::make_unique<providers::Preview>(
      providers::PreviewOptions{.parallel = std::max(2U, std::thread::hardware_concurrency()),
                                .edge = static_cast<int>(settings.preview_edge)}));
}

worker::Providers Painting::providers() const {
  worker::Providers by_kind{};
  for (const auto& provider : providers_) {
    by_kind.at(static_cast<std::size_t>(provider->kind())) = provider.get();
  }
  return by_kind;
}

std::unique_ptr<worker::Worker> Painting::make_worker(
    mongo::Service& database, const repositories::RepositoryContext& context,
    const domain::GenerationHooks& hooks) {
  return std::make_unique<worker::Worker>(
      database, context, models_, providers(), *store_, hooks,
      worker::WorkerOptions{
          .name = worker_name(context.random),
          .parallel = static_cast<std::size_t>(settings_.worker_parallel),
          .parallel_per_user = static_cast<std::size_t>(settings_.worker_parallel_per_user),
          .work = work_options(settings_)});
}

}  // namespace gesso::cli
