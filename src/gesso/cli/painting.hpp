// What turns generations into images, as the settings say: models and their providers, the store,
// the worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gesso/cli/image_container.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/domain/generations.hpp"
#include "gesso/domain/model_table.hpp"
#include "gesso/images/local_blob_store.hpp"
#include "gesso/images/signed_links.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/providers/provider.hpp"
#include "gesso/worker/worker.hpp"

namespace gesso::cli {

// Who paints, as the settings say, in no order.
using ProviderList = std::vector<std::unique_ptr<providers::Provider>>;
// For requests to them and for their images.
[[nodiscard]] std::unique_ptr<client::HttpClient> make_provider_client(const Settings& settings);
// Borrows client and clock. Throws Error kValidation for a key that cannot be sent.
[[nodiscard]] ProviderList make_providers(const Settings& settings, client::HttpClient& client,
                                          const Clock& clock);

[[nodiscard]] domain::ModelTable model_table(const Settings& settings);
[[nodiscard]] domain::WorkOptions work_options(const Settings& settings);

// Owns models, providers and store; thread-safe, as they are. Borrows the rest.
class Painting {
  const Settings& settings_;
  domain::ModelTable models_;
  images::SignedLinks links_;
  // Of replies that are images, and to providers alone.
  std::unique_ptr<client::HttpClient> http_;
  std::unique_ptr<ImageContainer> container_;  // where the settings name one
  images::LocalBlobStore local_;
  ProviderList providers_;

 public:
  // `roots` sign links, see images::SignedLinks; `origin` is asked for what stands before them.
  // Throws Error kValidation for settings that do not fit together.
  Painting(const Settings& settings, const std::vector<Secret>& roots,
           std::function<std::string()> origin, const Clock& clock, Random& random);

  [[nodiscard]] const domain::ModelTable& models() const { return models_; }
  [[nodiscard]] const images::SignedLinks& links() const { return links_; }
  [[nodiscard]] images::BlobStore& store();
  // Whether we serve the images ourselves.
  [[nodiscard]] bool is_local() const { return container_ == nullptr; }
  // For who shows links to images. Blocks for some seconds at most; what is not to be had is
  // logged, and comes later.
  void prepare_links();
  [[nodiscard]] worker::Providers providers() const;

  // Not yet begun. `hooks` must outlive it, as all that this borrows must.
  [[nodiscard]] std::unique_ptr<worker::Worker> make_worker(
      mongo::Service& database, const repositories::RepositoryContext& context,
      const domain::GenerationHooks& hooks, domain::WorkObserver& observer);
};

}  // namespace gesso::cli
