// BlobStore in a folder of this machine, a file a blob, served by ourselves under signed links
// (signed_links.hpp). Processes may share the folder.
//
// A file is written and made durable under a name of its own and then linked to the one that it is
// to have, which fails where there is one: readers never see half of it, and what a crash leaves
// are files whose names begin with a dot, which `list` shows so that a sweep finds them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "gesso/client/http_client.hpp"
#include "gesso/images/blob_store.hpp"
#include "gesso/images/signed_links.hpp"

namespace gesso::images {

// Where the service answers for a blob of this store: "/images/" and the name.
inline constexpr std::string_view kLocalPath = "/images/";

struct LocalBlobStoreOptions {
  std::filesystem::path folder;
  // What stands before a link's path: "https://api.example.com", or "" for a path alone. Asked with
  // every link, since a port may be known only once somebody listens.
  std::function<std::string()> origin = [] { return std::string(); };
};

class LocalBlobStore final : public BlobStore {
  LocalBlobStoreOptions options_;
  const SignedLinks& links_;
  client::HttpClient* client_;

 public:
  // Borrows `links` and `client`; without a client nothing is copied. Makes the folder when
  // something is put into it.
  LocalBlobStore(LocalBlobStoreOptions options, const SignedLinks& links,
                 client::HttpClient* client = nullptr);

  [[nodiscard]] PutOutcome put(std::string_view name, const Blob& blob,
                               const client::Call& call) override;
  [[nodiscard]] PutOutcome copy(std::string_view name, const std::string& url,
                                const client::Call& call) override;
  [[nodiscard]] std::optional<Blob> get(std::string_view name, const client::Call& call) override;
  void remove(std::string_view name, const client::Call& call) override;
  [[nodiscard]] std::vector<StoredBlob> list(std::string_view prefix, std::string_view after,
                                             std::size_t limit, const client::Call& call) override;
  [[nodiscard]] std::string address(std::string_view name) const override;
  [[nodiscard]] std::optional<std::string> name_at(std::string_view address) const override;
  [[nodiscard]] std::string link(std::string_view name, Time now) override;

 private:
  [[nodiscard]] std::filesystem::path path_of(std::string_view name) const;
};

}  // namespace gesso::images
