// The images of generations in the store: their names, and how they go.
//
// A generation's images are "generations/ID/0.png", "generations/ID/1.png" and so on, with
// "generations/ID/0.small.webp" beside each that is large. They are written before the generation
// says that it has them, and removed after it has gone: what a crash leaves in between belongs to
// nobody, and a sweep removes it.
//
// Functions without state; thread-safe, and they block: for the store, which may be far away, hence
// never within a unit of work.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/images/blob_store.hpp"
#include "gesso/models/generation.hpp"

namespace gesso::domain {

inline constexpr std::string_view kImagesFolder = "generations/";

// Where the images of one are, as it is completed.
struct ImageAddresses {
  std::vector<models::Url> result_urls = {};
  std::vector<models::Url> blob_urls = {};
  std::vector<models::Url> thumbnail_urls = {};
  std::optional<models::ProviderName> provider = {};  // who painted them
};

// "generations/ID/"
[[nodiscard]] std::string images_of(const models::GenerationId& id);
[[nodiscard]] std::string image_name(const models::GenerationId& id, std::size_t index,
                                     std::string_view extension);
[[nodiscard]] std::string thumbnail_name(const models::GenerationId& id, std::size_t index);

// Removes what the generation says that it has, in some seconds and within `call`. Does not throw:
// what stays is the sweep's. Returns whether nothing stayed.
bool remove_images(images::BlobStore& store, const models::Generation& generation,
                   const client::Call& call = {}) noexcept;
// The same for all that there is under its name.
bool remove_images(images::BlobStore& store, const models::GenerationId& id) noexcept;

}  // namespace gesso::domain
