#include "gesso/worker/keep_images.hpp"

#include <algorithm>

#include "gesso/base/text.hpp"
#include "gesso/images/raster.hpp"

namespace gesso::worker {
namespace {

using images::BlobStore;

// What the path of a URL ends in, as far as it is a kind of image that is known here.
std::string_view extension_of(std::string_view url) {
  const std::string_view path = url.substr(0, url.find_first_of("?#"));
  for (const std::string_view known : {"png", "jpg", "jpeg", "webp"}) {
    if (path.size() > known.size() && path[path.size() - known.size() - 1] == '.' &&
        equal_ignoring_case(path.substr(path.size() - known.size()), known)) {
      return known;
    }
  }
  return "png";
}

// The address of the small one; the large one's where that is small, or cannot be read.
std::string keep_thumbnail(BlobStore& store, const models::GenerationId& id, std::size_t index,
                           const std::string& bytes, const std::string& large, int edge,
                           const client::Call& call) {
  const auto picture = images::decode(bytes);
  if (!picture || std::max(picture->width, picture->height) <= edge) return store.address(large);
  const std::string name = domain::thumbnail_name(id, index);
  (void)store.put(
      name, {.bytes = images::encode_webp(images::shrink(*picture, edge)), .type = "image/webp"},
      call);
  return store.address(name);
}

}  // namespace

void keep_images(BlobStore& store, const models::GenerationId& id,
                 const std::vector<images::Blob>& painted, int thumbnail_edge,
                 domain::ImageAddresses& addresses, const client::Call& call) {
  addresses.blob_urls.clear();
  addresses.thumbnail_urls.clear();
  for (std::size_t index = 0; index < painted.size(); ++index) {
    const images::Blob& blob = painted[index];
    const std::string name =
        domain::image_name(id, index, images::extension(images::format_of(blob.bytes)));
    std::string kept = blob.bytes;
    if (store.put(name, blob, call) == images::PutOutcome::kThere) {
      // An earlier attempt has left a picture there, perhaps another one.
      if (auto there = store.get(name, call)) kept = std::move(there->bytes);
    }
    addresses.blob_urls.emplace_back(store.address(name));
    addresses.thumbnail_urls.emplace_back(
        keep_thumbnail(store, id, index, kept, name, thumbnail_edge, call));
  }
  if (!painted.empty()) return;
  for (std::size_t index = 0; index < addresses.result_urls.size(); ++index) {
    const std::string& url = addresses.result_urls[index].str();
    const std::string name = domain::image_name(id, index, extension_of(url));
    (void)store.copy(name, url, call);
    addresses.blob_urls.emplace_back(store.address(name));
    addresses.thumbnail_urls.emplace_back(store.address(name));
  }
}

}  // namespace gesso::worker
