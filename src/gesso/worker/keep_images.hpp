// Puts a generation's images into the store, and small ones beside the large ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gesso/client/call.hpp"
#include "gesso/domain/generation_images.hpp"
#include "gesso/images/blob_store.hpp"

namespace gesso::worker {

// What was put into the store, and was not there before.
struct KeptImages {
  std::size_t images = 0;  // large and small ones
  std::uint64_t bytes = 0;
};

// Keeps `painted`, or where there is none what is at `addresses.result_urls`, and writes down in
// `addresses` where they are. Repeated, also after a crash and by another worker, it finds what is
// there: a name is written once. `thumbnail_edge` is in pixels; a picture that cannot be shrunk is
// its own small one. `kept` is added to, also where it throws. Blocks. Throws as BlobStore does.
void keep_images(images::BlobStore& store, const models::GenerationId& id,
                 const std::vector<images::Blob>& painted, int thumbnail_edge,
                 domain::ImageAddresses& addresses, KeptImages& kept, const client::Call& call);

}  // namespace gesso::worker
