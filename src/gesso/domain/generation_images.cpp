#include "gesso/domain/generation_images.hpp"

#include <spdlog/spdlog.h>

#include <exception>

namespace gesso::domain {
namespace {

constexpr std::chrono::seconds kTimeToRemove{5};
constexpr std::size_t kMostImages = 100;  // of one generation, thumbnails among them

template <class F>
bool try_to_remove(const models::GenerationId& id, F&& remove) noexcept {
  try {
    remove();
    return true;
  } catch (const std::exception& error) {
    spdlog::warn("images of {} wait for the sweep: {}", id.str(), error.what());
    return false;
  }
}

}  // namespace

std::string images_of(const models::GenerationId& id) {
  return std::string(kImagesFolder) + id.str() + "/";
}

std::string image_name(const models::GenerationId& id, std::size_t index,
                       std::string_view extension) {
  return images_of(id) + std::to_string(index) + "." + std::string(extension);
}

std::string thumbnail_name(const models::GenerationId& id, std::size_t index) {
  return image_name(id, index, "small.webp");
}

bool remove_images(images::BlobStore& store, const models::Generation& generation,
                   const client::Call& within) noexcept {
  return try_to_remove(generation.id, [&] {
    const client::Call call{.deadline = Deadline::after(kTimeToRemove).earlier_of(within.deadline),
                            .stop = within.stop};
    for (const auto* addresses : {&generation.blob_urls, &generation.thumbnail_urls}) {
      for (const models::Url& address : *addresses) {
        if (const auto name = store.name_at(address)) store.remove(*name, call);
      }
    }
  });
}

bool remove_images(images::BlobStore& store, const models::GenerationId& id) noexcept {
  return try_to_remove(id, [&] {
    const client::Call call{.deadline = Deadline::after(kTimeToRemove)};
    for (const auto& blob : store.list(images_of(id), "", kMostImages, call)) {
      store.remove(blob.name, call);
    }
  });
}

}  // namespace gesso::domain
