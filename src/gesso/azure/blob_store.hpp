// BlobStore in a container of Azure Blob Storage, by a token of this program's own identity: no key
// of the account anywhere (learn.microsoft.com/rest/api/storageservices).
//
// The identity needs Storage Blob Data Contributor on the container and, where links are prepared,
// Storage Blob Delegator on the account, of which the key that they are made with is (on the
// account the first role includes the second). A role that was granted a moment ago takes minutes
// to be known: 403 AuthorizationPermissionMismatch is waited for, for a while.
//
// Thread-safe; blocks but where BlobStore does not. Borrows client, tokens, clock and randomness,
// which must outlive it. Links have a thread of their own (link_keys.hpp).
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/azure/link_keys.hpp"
#include "gesso/azure/token.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/random.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/client/retry.hpp"
#include "gesso/images/blob_store.hpp"

namespace gesso::azure {

// Who a token for any account of the public cloud is for.
inline constexpr std::string_view kStorageResource = "https://storage.azure.com";
// Of requests and of links alike: what a link's signature covers depends on it.
inline constexpr std::string_view kStorageVersion = "2022-11-02";

struct ContainerUrl {
  std::string text;    // "https://paint.blob.core.windows.net/images", without a slash at its end
  std::string origin;  // "https://paint.blob.core.windows.net"
  std::string path;    // "/images"; where the account is in the path, "/ACCOUNT/images"
  std::string account = {};    // "paint"
  std::string container = {};  // "images"
};
// https://ACCOUNT.HOST/CONTAINER, or https://HOST/ACCOUNT/CONTAINER as an emulator has it;
// std::nullopt for anything else.
[[nodiscard]] std::optional<ContainerUrl> read_container_url(std::string_view text);

// The query of a link to read one blob, from `start` to `expiry` (User delegation SAS, the layout
// of kStorageVersion). A pure function.
[[nodiscard]] std::string delegation_sas(const ContainerUrl& container, std::string_view blob,
                                         const DelegationKey& key, Time start, Time expiry);

struct BlobStoreOptions {
  std::string container_url;
  std::string tenant = {};  // of the account, where it is not the identity's
  std::chrono::seconds link_lifetime{3600};
  std::chrono::milliseconds timeout{30'000};  // of one attempt
  client::RetryFsm::Options retry = {.attempts = 4,
                                     .wait_min = std::chrono::milliseconds{800},
                                     .wait_max = std::chrono::milliseconds{60'000}};
  int forbidden_attempts = 6;  // where a role may be new
  std::chrono::milliseconds forbidden_wait{10'000};
};

class AzureBlobStore final : public images::BlobStore {
  BlobStoreOptions options_;
  ContainerUrl container_;
  client::HttpClient& client_;
  TokenProvider& tokens_;
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;                          // guards page_
  std::pair<std::string, std::string> page_;  // the last name of a page, and the marker behind it
  LinkKeys keys_;                             // last: its thread uses the others

 public:
  // Throws Error kValidation for a URL that is no container's.
  AzureBlobStore(BlobStoreOptions options, client::HttpClient& client, TokenProvider& tokens,
                 const Clock& clock, Random& random);

  // Makes the container, closed to everybody without a link; that it is there is no error.
  void make_container(const client::Call& call);

  [[nodiscard]] images::PutOutcome put(std::string_view name, const images::Blob& blob,
                                       const client::Call& call) override;
  // The storage service fetches it: no bytes pass through us.
  [[nodiscard]] images::PutOutcome copy(std::string_view name, const std::string& url,
                                        const client::Call& call) override;
  [[nodiscard]] std::optional<images::Blob> get(std::string_view name,
                                                const client::Call& call) override;
  void remove(std::string_view name, const client::Call& call) override;
  [[nodiscard]] std::vector<images::StoredBlob> list(std::string_view prefix,
                                                     std::string_view after, std::size_t limit,
                                                     const client::Call& call) override;
  [[nodiscard]] std::string address(std::string_view name) const override;
  [[nodiscard]] std::optional<std::string> name_at(std::string_view address) const override;
  void prepare_links(const client::Call& call) override;
  // Those of one blob that are made within a quarter of their lifetime are mostly the same, so that
  // browsers keep what they have. While there is no key it is the address alone, which opens
  // nothing: who looks at a generation is to see the rest of it.
  [[nodiscard]] std::string link(std::string_view name, Time now) override;

 private:
  using Headers = std::vector<std::pair<std::string, std::string>>;
  // `path` with its query, behind the origin.
  [[nodiscard]] client::HttpResponse ask(const std::string& method, const std::string& path,
                                         const Headers& headers, std::string_view body,
                                         const client::Call& call);
  [[nodiscard]] client::HttpResponse send(const client::HttpRequest& request,
                                          const client::Call& call);
  [[nodiscard]] images::PutOutcome written(const client::HttpResponse& reply,
                                           std::string_view doing) const;
  [[nodiscard]] Error failure(const client::HttpResponse& reply, std::string_view doing) const;
  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] DelegationKey fetch_key(const client::Call& call);
  [[nodiscard]] std::chrono::seconds key_lifetime() const;
};

}  // namespace gesso::azure
