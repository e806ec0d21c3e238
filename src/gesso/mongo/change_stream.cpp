#include "gesso/mongo/change_stream.hpp"

#include <string>

#include "gesso/mongo/detail/lease.hpp"

namespace gesso::mongo {

using bson::make_array;
using bson::make_document;
using detail::Borrowed;
using detail::Reply;

namespace {

using StreamPtr =
    std::unique_ptr<mongoc_change_stream_t, detail::Destroyer<mongoc_change_stream_destroy>>;

// Of a server that is asked to wait, until it is taken for lost.
constexpr std::chrono::milliseconds kSilence{3'000};

// What follows `$changeStream` in the pipeline.
bson::Array stages_for(ChangeStreams form) {
  const auto of_kinds = [](const bson::Array& kinds) {
    return make_document("$match", make_document("operationType", make_document("$in", kinds)));
  };
  if (form == ChangeStreams::kOneForm) {
    // https://learn.microsoft.com/azure/cosmos-db/mongodb/change-streams
    return make_array(of_kinds(make_array("insert", "update", "replace")),
                      make_document("$project", make_document("_id", 1, "fullDocument", 1, "ns", 1,
                                                              "documentKey", 1)));
  }
  return make_array(of_kinds(make_array("update", "replace", "delete")),
                    make_document("$project", make_document("documentKey", 1)));
}

bson::Document options_for(ChangeStreams form, std::chrono::milliseconds patience) {
  bson::Builder options;
  options.append("maxAwaitTimeMS", static_cast<std::int64_t>(patience.count()));
  if (form == ChangeStreams::kOneForm) options.append("fullDocument", "updateLookup");
  return options.finish();
}

}  // namespace

class ChangeStream::Impl {
  Session::Impl& lease_;
  const std::string collection_;
  const std::chrono::milliseconds patience_;
  StreamPtr stream_;

  // One attempt at something with the stream: whether it has not failed since.
  bool is_well(bson_error_t& error, Reply& out) {
    const bson_t* said = nullptr;
    if (!mongoc_change_stream_error_document(stream_.get(), &error, &said)) return true;
    if (said != nullptr) bson_copy_to(said, out.reset());
    return false;
  }
  [[nodiscard]] Operation operation(std::string_view name) const {
    return lease_.operation(name, lease_.shared().database, collection_, detail::Mode::kRead);
  }

 public:
  Impl(Session::Impl& lease, std::string_view collection, std::chrono::milliseconds patience)
      : lease_(lease), collection_(collection), patience_(patience) {
    lease_.prolong(Deadline::after(patience_ + kSilence));
    const ChangeStreams form = lease_.traits().change_streams;
    const bson::Document pipeline = make_document("pipeline", stages_for(form));
    const bson::Document options = options_for(form, patience_);
    Reply reply;
    using Repeat = Session::Impl::Repeat;
    lease_.persist(operation("aggregate"), Repeat::kRead, reply,
                   [&](bson_error_t& error, Reply& out) {
                     stream_.reset(mongoc_collection_watch(lease_.collection(collection_),
                                                           Borrowed(pipeline), Borrowed(options)));
                     return is_well(error, out);
                   });
  }

  std::optional<bson::Document> next() {
    lease_.prolong(Deadline::after(patience_ + kSilence));
    const bson_t* event = nullptr;
    Reply reply;
    lease_.persist(operation("getMore"), Session::Impl::Repeat::kNever, reply,
                   [&](bson_error_t& error, Reply& out) {
                     return mongoc_change_stream_next(stream_.get(), &event) || is_well(error, out);
                   });
    if (event == nullptr) return std::nullopt;
    const bson::Value key = bson::View(bson_get_data(event))["documentKey"];
    // A collection that was dropped has none: whatever was in it has changed.
    return key.is_document() ? bson::Document(key.as_document()) : bson::Document();
  }
};

ChangeStream::ChangeStream(Session& session, std::string_view collection,
                           std::chrono::milliseconds patience)
    : impl_(std::make_unique<Impl>(session.impl_, collection, patience)) {}
ChangeStream::~ChangeStream() = default;

std::optional<bson::Document> ChangeStream::next() { return impl_->next(); }

}  // namespace gesso::mongo
