#include "gesso/mongo/detail/client.hpp"

#include <utility>

namespace gesso::mongo::detail {

Client::Client(std::shared_ptr<Endpoint> endpoint, Shared& shared)
    : endpoint_(std::move(endpoint)), database_(shared.database) {
  if (shared.open_local) {
    local_.emplace(shared);
    return;
  }
  limits_.client = endpoint_->clients.pop();
  limits_.connect_timeout = shared.connect_timeout;
  limits_.open_in_service = &shared.open_connections;
  limit_streams(limits_);
}

Client::~Client() {
  if (local_) return;
  writes_.reset();
  collections_.clear();
  endpoint_->clients.close(limits_.client);
}

mongoc_collection_t* Client::collection(std::string_view name) {
  const auto found = collections_.find(name);
  if (found != collections_.end()) return found->second.get();
  const std::string key(name);
  CollectionPtr handle(mongoc_client_get_collection(get(), database_.c_str(), key.c_str()));
  return collections_.emplace(key, std::move(handle)).first->second.get();
}

bool Client::append_write_session(bson_t& options) {
  if (writes_ == nullptr) {
    const SessionOptionsPtr wishes(mongoc_session_opts_new());
    mongoc_session_opts_set_causal_consistency(wishes.get(), false);
    bson_error_t ignored{};  // the write itself will fail in the same way, and say so
    writes_.reset(mongoc_client_start_session(get(), wishes.get(), &ignored));
  }
  return writes_ != nullptr && mongoc_client_session_append(writes_.get(), &options, nullptr);
}

}  // namespace gesso::mongo::detail
