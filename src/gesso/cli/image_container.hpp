// The way to images in Azure Blob Storage: who we are there, and the container.
//
// Owned by what paints, or looks whether that is possible; thread-safe; blocks.
#pragma once

#include <functional>
#include <memory>

#include "gesso/azure/blob_store.hpp"
#include "gesso/azure/credential.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/cli/azure_identity.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/client/http_client.hpp"

namespace gesso::cli {

struct ContainerOptions {
  // Puts another client before the one that sends, to look at what passes.
  std::function<std::unique_ptr<client::HttpClient>(std::unique_ptr<client::HttpClient>)> wrap = {};
  int attempts = 5;            // at each endpoint of identity
  int store_attempts = 4;      // at the container
  int forbidden_attempts = 6;  // there, where a role may be new
};

class ImageContainer {
  AzureIdentity identity_;
  azure::AzureBlobStore store_;

 public:
  // Asks nobody yet. Throws Error (kValidation) for settings that cannot be right. Borrows clock
  // and randomness. REQUIRES: image_container_url is set.
  ImageContainer(const Settings& settings, const azure::Environment& environment,
                 const Clock& clock, Random& random, ContainerOptions options = {});

  [[nodiscard]] azure::AzureBlobStore& store() { return store_; }
  // Asks the container's server, and whoever gives tokens.
  [[nodiscard]] client::HttpClient& client() { return identity_.client(); }
  [[nodiscard]] azure::TokenProvider& tokens() { return identity_.tokens(); }
};

}  // namespace gesso::cli
