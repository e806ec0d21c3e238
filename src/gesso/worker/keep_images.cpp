#include "gesso/worker/keep_images.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

#include "gesso/base/error.hpp"
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

class Keeper {
  BlobStore& store_;
  const models::GenerationId& id_;
  const int edge_;
  domain::ImageAddresses& addresses_;
  const client::Call& call_;
  KeptImages& kept_;

 public:
  Keeper(BlobStore& store, const models::GenerationId& id, int edge,
         domain::ImageAddresses& addresses, KeptImages& kept, const client::Call& call)
      : store_(store), id_(id), edge_(edge), addresses_(addresses), call_(call), kept_(kept) {
    addresses_.blob_urls.clear();
    addresses_.thumbnail_urls.clear();
  }

  void keep(std::size_t index, const images::Blob& blob) {
    const std::string name =
        domain::image_name(id_, index, images::extension(images::format_of(blob.bytes)));
    if (!images::is_image(blob.bytes)) throw no_image(name);
    std::string bytes = blob.bytes;
    if (put(name, blob) == PutOutcome::kThere) {
      // An earlier attempt has left a picture there, perhaps another one.
      if (auto there = store_.get(name, call_)) bytes = std::move(there->bytes);
    }
    note(index, name, bytes);
  }

  void copy(std::size_t index, const std::string& url) {
    const std::string name = domain::image_name(id_, index, extension_of(url));
    const bool is_new = store_.copy(name, url, call_) == PutOutcome::kCreated;
    const std::string bytes = bytes_of(name);
    if (!bytes.empty()) refuse_unless_image(name, bytes);
    if (is_new) count(bytes.size());
    note(index, name, bytes);
  }

 private:
  using PutOutcome = images::PutOutcome;

  // Another attempt may find one: an error page in place of a file is a matter of minutes.
  static Error no_image(const std::string& name) {
    return Error(ErrorKind::kUnavailable, name + ": what the provider gave is no image",
                 {.retryable = true});
  }
  // Nobody pays for something else, and it does not stand in the way of what comes next.
  void refuse_unless_image(const std::string& name, const std::string& bytes) {
    if (images::is_image(bytes)) return;
    store_.remove(name, call_);
    throw no_image(name);
  }
  // For its thumbnail; "" where it cannot be had: it is kept all the same.
  std::string bytes_of(const std::string& name) {
    try {
      if (auto there = store_.get(name, call_)) return std::move(there->bytes);
    } catch (const Error& error) {
      if (call_.ended()) throw;
      spdlog::warn("worker: {} has no small image: {}", name, error.what());
    }
    return {};
  }
  void count(std::size_t bytes) {
    ++kept_.images;
    kept_.bytes += bytes;
  }
  PutOutcome put(const std::string& name, const images::Blob& blob) {
    const PutOutcome outcome = store_.put(name, blob, call_);
    if (outcome == PutOutcome::kCreated) count(blob.bytes.size());
    return outcome;
  }
  void note(std::size_t index, const std::string& name, const std::string& bytes) {
    addresses_.blob_urls.emplace_back(store_.address(name));
    addresses_.thumbnail_urls.emplace_back(keep_thumbnail(index, name, bytes));
  }
  // The address of the small one; the large one's where that is small, or cannot be read or shrunk.
  std::string keep_thumbnail(std::size_t index, const std::string& large,
                             const std::string& bytes) {
    const auto size = images::size_of(bytes);
    if (!size || std::max(size->width, size->height) <= edge_) return store_.address(large);
    const auto small = shrunk(large, bytes);
    if (!small) return store_.address(large);
    const std::string name = domain::thumbnail_name(id_, index);
    put(name, {.bytes = *small, .type = "image/webp"});
    return store_.address(name);
  }
  std::optional<std::string> shrunk(const std::string& large, const std::string& bytes) const {
    try {
      if (const auto picture = images::decode(bytes)) {
        return images::encode_webp(images::shrink(*picture, edge_));
      }
    } catch (const std::exception& error) {  // memory, or libwebp
      spdlog::warn("worker: {} has no small image: {}", large, error.what());
    }
    return std::nullopt;
  }
};

}  // namespace

void keep_images(BlobStore& store, const models::GenerationId& id,
                 const std::vector<images::Blob>& painted, int thumbnail_edge,
                 domain::ImageAddresses& addresses, KeptImages& kept, const client::Call& call) {
  Keeper keeper(store, id, thumbnail_edge, addresses, kept, call);
  for (std::size_t i = 0; i < painted.size(); ++i) keeper.keep(i, painted[i]);
  if (painted.empty()) {
    for (std::size_t i = 0; i < addresses.result_urls.size(); ++i) {
      keeper.copy(i, addresses.result_urls[i].str());
    }
  }
}

}  // namespace gesso::worker
