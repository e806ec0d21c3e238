#include "gesso/cli/painting.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <thread>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/cli/version.hpp"
#include "gesso/client/curl_client.hpp"
#include "gesso/providers/openai.hpp"
#include "gesso/providers/preview.hpp"
#include "gesso/providers/replicate.hpp"

namespace gesso::cli {
namespace {

constexpr std::string_view kImages = "images";
// Most of the time of a small one goes to claims, to the disk and to its end.
constexpr unsigned kPreviewsPerCore = 4;
constexpr std::chrono::seconds kTimeForLinks{10};
constexpr std::size_t kMaxReply = std::size_t{64} << 20;  // four images of OpenAI's in base64

// A name that no other process has, now or later: of this machine, this process, this moment.
std::string worker_name(Random& random) {
  std::array<char, 33> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::array<std::uint8_t, 6> bytes{};
  random.fill(bytes);
  return std::string(host.data()) + "/" + std::to_string(getpid()) + "/" + hex(bytes);
}

std::vector<std::string> allowed_origins(const Settings& settings) {
  std::vector<std::string> allowed;
  if (!settings.replicate_api_token.empty()) {
    allowed = list_of(settings.replicate_file_origins);
    allowed.push_back(settings.replicate_api_url);
  }
  if (!settings.openai_api_key.empty()) allowed.push_back(settings.openai_api_url);
  return allowed;
}

// Replicate calls https alone, and we take nothing that it does not sign.
std::string replicate_webhook(const Settings& settings) {
  if (!settings.public_url.starts_with("https://") || settings.replicate_webhook_secrets.empty()) {
    return {};
  }
  std::string url = settings.public_url;
  if (url.ends_with('/')) url.pop_back();
  return url + "/webhooks/replicate";
}

void require_keys(const Settings& settings, const domain::ModelTable& models) {
  std::vector<Violation> violations;
  const auto require = [&](domain::ProviderKind kind, std::string_view name, const Secret& key) {
    if (!models.uses(kind) || !key.empty()) return;
    violations.push_back({.path = {std::string(name)},
                          .type = "missing",
                          .message = "Required where a model is painted there",
                          .expected = "a value, since a model is painted there",
                          .found = "nothing"});
  };
  require(domain::ProviderKind::kReplicate, "replicate_api_token", settings.replicate_api_token);
  require(domain::ProviderKind::kOpenai, "openai_api_key", settings.openai_api_key);
  if (!violations.empty()) throw validation_error(std::move(violations));
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

std::unique_ptr<client::HttpClient> make_provider_client(const Settings& settings) {
  return client::make_curl_client({.allowed = allowed_origins(settings),
                                   .user_agent = "gesso/" + std::string(version()),
                                   .max_reply = kMaxReply});
}

ProviderList make_providers(const Settings& settings, client::HttpClient& client,
                            const Clock& clock) {
  ProviderList list;
  if (!settings.replicate_api_token.empty()) {
    list.push_back(std::make_unique<providers::Replicate>(
        providers::ReplicateOptions{
            .token = settings.replicate_api_token.clone(),
            .origin = settings.replicate_api_url,
            .webhook = replicate_webhook(settings),
            .parallel = static_cast<std::size_t>(settings.replicate_parallel)},
        client, clock));
  }
  if (!settings.openai_api_key.empty()) {
    list.push_back(std::make_unique<providers::Openai>(
        providers::OpenaiOptions{.key = settings.openai_api_key.clone(),
                                 .origin = settings.openai_api_url,
                                 .parallel = static_cast<std::size_t>(settings.openai_parallel)},
        client, clock));
  }
  list.push_back(std::make_unique<providers::Preview>(providers::PreviewOptions{
      .parallel = kPreviewsPerCore * std::max(1U, std::thread::hardware_concurrency()),
      .edge = static_cast<int>(settings.preview_edge)}));
  return list;
}

Painting::Painting(const Settings& settings, const std::vector<Secret>& roots,
                   std::function<std::string()> origin, const Clock& clock, Random& random)
    : settings_(settings),
      models_(model_table(settings)),
      links_(roots, std::chrono::duration_cast<std::chrono::seconds>(settings.image_link_lifetime)),
      http_(make_provider_client(settings)),
      container_(
          settings.image_container_url.empty()
              ? nullptr
              : std::make_unique<ImageContainer>(settings, process_environment(), clock, random)),
      local_({.folder = std::filesystem::path(settings.data_dir) / kImages,
              .origin = std::move(origin)},
             links_, http_.get()) {
  require_keys(settings, models_);
  providers_ = make_providers(settings, *http_, clock);
}

images::BlobStore& Painting::store() {
  if (container_) return container_->store();
  return local_;
}

void Painting::prepare_links() {
  try {
    store().prepare_links({.deadline = Deadline::after(kTimeForLinks)});
  } catch (const Error& error) {
    spdlog::warn("links to images open nothing until there is a key for them: {}", error.what());
  }
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
    const domain::GenerationHooks& hooks, domain::WorkObserver& observer) {
  return std::make_unique<worker::Worker>(
      database, context, models_, providers(), store(), hooks,
      worker::WorkerOptions{
          .name = worker_name(context.random),
          .parallel = static_cast<std::size_t>(settings_.worker_parallel),
          .parallel_per_user = static_cast<std::size_t>(settings_.worker_parallel_per_user),
          .work = work_options(settings_),
          .observer = &observer});
}

}  // namespace gesso::cli
