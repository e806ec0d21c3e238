// Puts a generation's images into the store, and small ones beside the large ones.
#pragma once

#include <vector>

#include "gesso/client/call.hpp"
#include "gesso/domain/generation_images.hpp"
#include "gesso/images/blob_store.hpp"

namespace gesso::worker {

// Keeps `painted`, or where there is none what is at `addresses.result_urls`, and writes down in
// `addresses` where they are. Repeated, also after a crash and by another worker, it finds what is
// there: a name is written once. `thumbnail_edge` is in pixels. Blocks. Throws as BlobStore does.
void keep_images(images::BlobStore& store, const models::GenerationId& id,
                 const std::vector<images::Blob>& painted, int thumbnail_edge,
                 domain::ImageAddresses& addresses, const client::Call& call);

}  // namespace gesso::worker
