// What all repositories can do: typed documents of one collection over a session.
//
//   Repository<User> users(session, context);
//   auto user = users.find_one(where<&User::email> == email);
//   auto page = generations.page(where<&Generation::user_id> == id,
//                                sort_by(desc<&Generation::created_at>), {.limit = 20});
//
// A query that no declared index of the model serves does not compile; see query/served.hpp.
//
// Where the model expires (it has a TTL index on `expires_at`), every call takes a document that is
// due for one that is gone.
//
// Where the model hides documents (`static constexpr auto kHiddenBy = &Model::field;`, an optional
// field), every call but `find_stored` takes a document that has the field for one that is not
// there; its `_id` and unique values are taken all the same.
//
// Made for one unit of work, on the thread that has the session; it borrows the session and the
// context. Every call blocks. Errors are those of the session, and kInternal, with collection,
// `_id`, path, expected and found, for a stored document that does not decode.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/mongo/session.hpp"
#include "gesso/mongo/stored_form.hpp"
#include "gesso/query/query.hpp"
#include "gesso/repositories/optimistic_retry.hpp"
#include "gesso/repositories/page.hpp"
#include "gesso/repositories/repository_context.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::repositories {

struct ListOptions {
  std::int64_t skip = 0;
  std::int64_t limit = 0;  // 0: all
  // Told of each stored document that does not decode, which is then left out; if there is none,
  // such a document is an Error.
  std::function<void(const Error&)> skip_undecodable = {};
};

// What became of each item of `create_many`, in their order: std::nullopt where it was created.
struct CreateManyResult {
  std::int64_t created = 0;
  std::vector<std::optional<Error>> failures;
};

// Documents one after the other, in constant memory. Holds the session: it must not outlive it.
// Move-only. For `for (const User& user : users.stream(...))`, or `next()`.
template <class T>
class Stream {
  mongo::Cursor cursor_;
  std::string ns_;
  std::function<void(const Error&)> skip_undecodable_;

 public:
  Stream(mongo::Cursor cursor, std::string ns, std::function<void(const Error&)> skip_undecodable)
      : cursor_(std::move(cursor)),
        ns_(std::move(ns)),
        skip_undecodable_(std::move(skip_undecodable)) {}

  // std::nullopt at the end. Blocks for a batch now and then.
  [[nodiscard]] std::optional<T> next();

  class Iterator {
    Stream* stream_ = nullptr;
    std::optional<T> item_;

   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(Stream& stream) : stream_(&stream), item_(stream.next()) {}
    const T& operator*() const { return *item_; }
    const T* operator->() const { return &*item_; }
    Iterator& operator++() {
      item_ = stream_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return !it.item_; }
  };
  [[nodiscard]] Iterator begin() { return Iterator(*this); }
  [[nodiscard]] std::default_sentinel_t end() { return {}; }
};

namespace detail {

template <class E, class Model>
concept FilterOf = query::Expression<E> && std::same_as<typename E::ExpressionOf, Model>;

// The sort that a page is in: what the caller asks for, with `_id` behind it to tell equals apart.
template <class Model, class SortType>
struct PageSort;
template <class Model>
struct PageSort<Model, query::Sort<>> {
  using type = query::Sort<query::Key<query::Path<&Model::id>, query::Direction::kAscending>>;
};
template <class Model, class... Keys>
struct PageSort<Model, query::Sort<Keys...>> {
  static_assert(((std::is_same_v<typename Keys::Path::Value,
                                 query::Present<typename Keys::Path::Value>>)&&...),
                "pages are sorted by fields that every document has");
  using Last = std::tuple_element_t<sizeof...(Keys) - 1, std::tuple<Keys...>>;
  using IdKey = query::Key<query::Path<&Model::id>, Last::direction>;
  using type = std::conditional_t<std::is_same_v<typename Last::Path, query::Path<&Model::id>>,
                                  query::Sort<Keys...>, query::Sort<Keys..., IdKey>>;
};

// The error for a taken value, with the field's name: where the server does not say which (Cosmos
// DB), by looking for another document that has it.
[[nodiscard]] Error name_taken_field(mongo::Session& session, std::string_view collection,
                                     bson::View document, std::span<const bson::IndexSpec> indexes,
                                     const Error& error);

template <class>
inline constexpr bool has_ttl = false;
template <class... Declarations>
inline constexpr bool has_ttl<query::IndexList<Declarations...>> =
    ((Declarations::kind == query::IndexKind::kTtl) || ...);

// Whether a server may have to store more than the model's fields.
template <class>
inline constexpr bool has_stored_form = false;
template <class... Declarations>
inline constexpr bool has_stored_form<query::IndexList<Declarations...>> =
    ((Declarations::kind == query::IndexKind::kTtl ||
      Declarations::kind == query::IndexKind::kUniqueWhenPresent) ||
     ...);

template <class Model>
concept Hides = requires {
  Model::kHiddenBy;
};

// How the model's documents are stored by servers that need more than its fields.
template <class Model>
[[nodiscard]] const mongo::StoredForm& stored_form() {
  static const mongo::StoredForm form(query::index_specs<Model>());
  return form;
}

template <class T>
std::optional<T> decode(bson::View document, const std::string& ns,
                        const std::function<void(const Error&)>& skip_undecodable) {
  std::vector<Violation> violations;
  std::optional<T> value = schema::decode<T>(document, schema::Format::kBson, violations);
  if (!value) {
    const Error error = schema::undecodable(ns, document, std::move(violations));
    if (!skip_undecodable) throw error;
    skip_undecodable(error);
  }
  return value;
}

}  // namespace detail

template <class M>
class Repository {
  mongo::Session* session_;
  const RepositoryContext* context_;

 public:
  using Model = M;
  using Id = decltype(Model::id);
  static constexpr std::string_view kCollection = Model::kCollection;

  Repository(mongo::Session& session, const RepositoryContext& context)
      : session_(&session), context_(&context) {}

  // Inserts the document as it is. Throws Error: kDuplicate with the field's name in `field()`.
  void insert(const Model& model);
  // Inserts the document as it is and returns it. Throws Error: kDuplicate with the field's name in
  // `field()`.
  Model create(Model model);
  // Inserts what can be inserted; one refusal does not stop the others.
  [[nodiscard]] CreateManyResult create_many(std::span<const Model> models);

  [[nodiscard]] std::optional<Model> find_by_id(const Id& id) {
    std::optional<Model> found = find_stored(id);
    // Looked at here, so that the server has the `_id` alone to look up.
    if constexpr (detail::Hides<Model>) {
      if (found && ((*found).*Model::kHiddenBy)) found.reset();
    }
    return found;
  }
  // What is stored under the id, also what the model hides.
  [[nodiscard]] std::optional<Model> find_stored(const Id& id);

  // A document that matches: the first one with a sort, else any; std::nullopt where there is none.
  template <detail::FilterOf<Model> E, class SortType = query::Sort<>, class Into = Model>
  [[nodiscard]] std::optional<Into> find_one(const E& filter, SortType sort = {},
                                             query::Projection<Into> projection = {});

  template <detail::FilterOf<Model> E, class SortType = query::Sort<>, class Into = Model>
  [[nodiscard]] std::vector<Into> find_many(const E& filter, SortType sort = {},
                                            const ListOptions& options = {},
                                            query::Projection<Into> projection = {});

  // What `find_many` returns, one after the other, with no more than a batch in memory.
  template <detail::FilterOf<Model> E, class SortType = query::Sort<>, class Into = Model>
  [[nodiscard]] Stream<Into> stream(const E& filter, SortType sort = {},
                                    const ListOptions& options = {},
                                    query::Projection<Into> projection = {});

  // A page of a list, forward and back, stable while documents are inserted. The index that serves
  // it must end in `_id`. Throws Error: kValidation for a cursor that is malformed or belongs to
  // another query, and for a limit out of range.
  template <detail::FilterOf<Model> E, class SortType = query::Sort<>>
  [[nodiscard]] Page<Model> page(const E& filter, SortType sort = {},
                                 const PageOptions& options = {});

  template <detail::FilterOf<Model> E>
  [[nodiscard]] std::int64_t count(const E& filter, std::int64_t limit = 0) {  // 0: all
    query::require_served(filter);
    return session().count(kCollection, wire(filter), limit);
  }
  template <detail::FilterOf<Model> E>
  [[nodiscard]] bool exists(const E& filter);

  // Changes the document and returns it as it is then; std::nullopt if there is none. `updated_at`
  // is set along where the model has it. Throws Error: kDuplicate as `create` does.
  std::optional<Model> update_by_id(const Id& id, query::Update<Model> update) {
    return update_one(query::where<&Model::id> == id, std::move(update));
  }
  // Changes one document that matches, atomically, and returns it as it is then: a test-and-set.
  // std::nullopt if none matches. Otherwise as `update_by_id`.
  template <detail::FilterOf<Model> E>
  std::optional<Model> update_one(const E& filter, query::Update<Model> update);
  // Changes one document that matches, as `update_one`, without bringing it back. Returns whether
  // one matched.
  template <detail::FilterOf<Model> E>
  bool change_one(const E& filter, query::Update<Model> update);

  // The same, and where a document matched, an insert of `model` into another collection; see
  // mongo::Session::update_then_insert. Throws as `change_one` and as `insert` of that one, whose
  // errors have its `ns()`; then the document is changed.
  template <detail::FilterOf<Model> E, class Other>
  bool change_one_then_insert(const E& filter, query::Update<Model> update,
                              const Repository<Other>& into, const Other& model);

  // Returns whether there was one.
  bool delete_by_id(const Id& id) {
    return session().delete_one(kCollection, query::to_bson(query::where<&Model::id> == id)) > 0;
  }

  // Deletes one document that matches. Returns whether there was one.
  template <detail::FilterOf<Model> E>
  bool delete_one(const E& filter) {
    query::require_served(filter);
    return session().delete_one(kCollection, wire(filter)) > 0;
  }

  // Runs `stages` over what matches, and reads each result into `Result`, a described struct.
  template <schema::Described Result, detail::FilterOf<Model> E>
  [[nodiscard]] std::vector<Result> aggregate(const E& matching, const bson::Array& stages);

  // For what reads, decides, and writes on condition that nobody wrote meanwhile.
  [[nodiscard]] OptimisticRetry optimistic_retry() const {
    return {context_->random, session_->deadline()};
  }

  // "database.collection"
  [[nodiscard]] std::string ns() const {
    return session_->database() + '.' + std::string(kCollection);
  }

 protected:
  [[nodiscard]] mongo::Session& session() const { return *session_; }
  [[nodiscard]] const RepositoryContext& context() const { return *context_; }
  [[nodiscard]] Time now() const { return context_->clock.now(); }
  [[nodiscard]] Id next_id() const { return Id::next(context_->ids); }
  // An update of what `filter` finds, as it is sent: with what this server needs besides. Where it
  // has to know more of the document than both tell, it is read first.
  [[nodiscard]] bson::Document complete(const bson::Document& filter, bson::Document changes) const;

 private:
  template <class>
  friend class Repository;

  // Calls `send_document` with the document as it is inserted, and names the field where a value in
  // it is taken.
  template <class Send>
  auto insert_by(const Model& model, Send send_document) const;
  // Sends the update of what `filter` finds with `updated_at` set, and names the field where a
  // value in it is taken.
  template <class Send>
  auto send(const bson::Document& filter, query::Update<Model> update, Send send_changes);
  // The filter as it is sent, with the guard against documents that are due, or hidden.
  template <class E>
  [[nodiscard]] bson::Document wire(const E& filter) const {
    query::detail::Conjunction conjunction;
    filter.visit(conjunction);
    if constexpr (detail::has_ttl<typename Model::Indexes>) {
      const auto alive = query::where<&Model::expires_at> > now();
      alive.visit(conjunction);
      return query::detail::write(conjunction);
    } else if constexpr (detail::Hides<Model>) {
      const auto shown = query::where<Model::kHiddenBy>.missing();
      shown.visit(conjunction);
      return query::detail::write(conjunction);
    } else {
      return query::detail::write(conjunction);
    }
  }
  // The document as it is inserted.
  [[nodiscard]] bson::Document stored(const Model& model) const {
    bson::Document document = schema::to_bson(model);
    if constexpr (detail::has_stored_form<typename Model::Indexes>) {
      return detail::stored_form<Model>().inserted(document, now(), session().traits());
    } else {
      return document;
    }
  }
  template <class Into>
  static mongo::FindOptions find_options(bson::Document sort) {
    static_assert(std::same_as<Into, Model> || query::ProjectionOf<Into, Model>,
                  "every member of a projection must be a field of the model");
    mongo::FindOptions options;
    options.sort = std::move(sort);
    if constexpr (!std::same_as<Into, Model>) {
      options.projection = query::to_bson(query::Projection<Into>{});
    }
    return options;
  }
};

// ---- implementation -----------------------------------------------------------------------------

template <class T>
std::optional<T> Stream<T>::next() {
  while (const auto document = cursor_.next()) {
    if (auto item = detail::decode<T>(*document, ns_, skip_undecodable_)) return item;
  }
  return std::nullopt;
}

template <class M>
M Repository<M>::create(Model model) {
  insert(model);
  return model;
}

template <class M>
std::optional<M> Repository<M>::find_stored(const Id& id) {
  const auto by_id = query::where<&Model::id> == id;
  std::optional<bson::Document> document;
  if constexpr (detail::has_ttl<typename Model::Indexes>) {
    document = session().find_one(kCollection, wire(by_id));
  } else {
    document = session().find_one(kCollection, query::to_bson(by_id));
  }
  if (!document) return std::nullopt;
  return schema::from_stored<Model>(*document, ns());
}

template <class M>
void Repository<M>::insert(const Model& model) {
  insert_by(model,
            [&](const bson::Document& document) { session().insert_one(kCollection, document); });
}

template <class M>
template <class Send>
auto Repository<M>::insert_by(const Model& model, Send send_document) const {
  const bson::Document document = stored(model);
  try {
    return send_document(document);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate || error.ns() != ns()) throw;
    throw detail::name_taken_field(session(), kCollection, document, query::index_specs<Model>(),
                                   error);
  }
}

template <class M>
CreateManyResult Repository<M>::create_many(std::span<const Model> models) {
  std::vector<bson::Document> documents;
  documents.reserve(models.size());
  for (const Model& model : models) documents.push_back(stored(model));
  mongo::InsertManyResult inserted = session().insert_many(kCollection, documents);
  CreateManyResult result{.created = inserted.inserted,
                          .failures = std::vector<std::optional<Error>>(models.size())};
  for (mongo::WriteFailure& failure : inserted.failures) {
    if (failure.error.kind() == ErrorKind::kDuplicate) {
      failure.error = detail::name_taken_field(session(), kCollection, documents[failure.index],
                                               query::index_specs<Model>(), failure.error);
    }
    result.failures[failure.index] = std::move(failure.error);
  }
  return result;
}

template <class M>
template <detail::FilterOf<M> E, class SortType, class Into>
std::optional<Into> Repository<M>::find_one(const E& filter, SortType sort,
                                            query::Projection<Into>) {
  query::require_served(filter, sort);
  const auto document = session().find_one(
      kCollection, wire(filter), find_options<Into>(query::Proof<E, SortType>::wire_sort(sort)));
  if (!document) return std::nullopt;
  return schema::from_stored<Into>(*document, ns());
}

template <class M>
template <detail::FilterOf<M> E, class SortType, class Into>
std::vector<Into> Repository<M>::find_many(const E& filter, SortType sort,
                                           const ListOptions& options,
                                           query::Projection<Into> projection) {
  std::vector<Into> items;
  Stream<Into> documents = stream(filter, sort, options, projection);
  while (auto item = documents.next()) items.push_back(std::move(*item));
  return items;
}

template <class M>
template <detail::FilterOf<M> E, class SortType, class Into>
Stream<Into> Repository<M>::stream(const E& filter, SortType sort, const ListOptions& options,
                                   query::Projection<Into>) {
  query::require_served(filter, sort);
  mongo::FindOptions find = find_options<Into>(query::Proof<E, SortType>::wire_sort(sort));
  find.skip = options.skip;
  find.limit = options.limit;
  return Stream<Into>(session().find(kCollection, wire(filter), find), ns(),
                      options.skip_undecodable);
}

template <class M>
template <detail::FilterOf<M> E, class SortType>
Page<M> Repository<M>::page(const E& filter, SortType, const PageOptions& options) {
  using InOrder = typename detail::PageSort<Model, SortType>::type;
  using Proof = query::Proof<E, InOrder>;
  query::require_served(filter, InOrder{});
  static_assert(Proof::direction != 0, "a filter that finds one document at most has no pages");
  detail::RawPage raw = detail::read_page(
      session(),
      {.collection = kCollection,
       .filter = wire(filter),
       .shape = std::string(kCollection) + '?' + query::shape(filter) + query::to_json(InOrder{}),
       .path = Proof::index.keys,
       .prefix = Proof::prefix,
       .direction = Proof::direction},
      options);
  Page<Model> page{.items = {}, .next = std::move(raw.next), .previous = std::move(raw.previous)};
  page.items.reserve(raw.items.size());
  const std::string name = ns();
  for (const bson::Document& document : raw.items) {
    if (auto item = detail::decode<Model>(document, name, options.skip_undecodable)) {
      page.items.push_back(std::move(*item));
    }
  }
  return page;
}

template <class M>
template <detail::FilterOf<M> E>
bool Repository<M>::exists(const E& filter) {
  query::require_served(filter);
  mongo::FindOptions options;
  options.projection = bson::make_document("_id", 1);
  return session().find_one(kCollection, wire(filter), options).has_value();
}

template <class M>
bson::Document Repository<M>::complete(const bson::Document& filter, bson::Document changes) const {
  if constexpr (detail::has_stored_form<typename Model::Indexes>) {
    const mongo::StoredForm& form = detail::stored_form<Model>();
    const mongo::DialectTraits& traits = session().traits();
    mongo::FindOptions options;
    options.projection = form.needed(filter, changes, traits);
    std::optional<bson::Document> stored;
    if (!options.projection.empty()) stored = session().find_one(kCollection, filter, options);
    return form.updated(filter, changes, stored ? stored->view() : bson::View(), now(), traits);
  } else {
    return changes;
  }
}

template <class M>
template <class Send>
auto Repository<M>::send(const bson::Document& filter, query::Update<Model> update,
                         Send send_changes) {
  if constexpr (requires { &Model::updated_at; }) {
    if (!update.touches("updated_at")) update.add(query::set<&Model::updated_at>(now()));
  }
  const bson::Document changes = complete(filter, query::to_bson(update));
  try {
    return send_changes(changes);
  } catch (const Error& error) {
    const bson::Value set = changes["$set"];
    // What is inserted along names its own fields.
    const bool is_ours = error.ns() == ns() && error.operation() != "insert";
    if (error.kind() != ErrorKind::kDuplicate || !is_ours || !set.is_document()) throw;
    throw detail::name_taken_field(session(), kCollection, set.as_document(),
                                   query::index_specs<Model>(), error);
  }
}

template <class M>
template <detail::FilterOf<M> E>
std::optional<M> Repository<M>::update_one(const E& filter, query::Update<Model> update) {
  query::require_served(filter);
  if constexpr (!requires { &Model::updated_at; }) {
    if (update.empty()) return find_one(filter);
  }
  const bson::Document matching = wire(filter);
  const auto document = send(matching, std::move(update), [&](const bson::Document& changes) {
    return session().find_one_and_update(kCollection, matching, changes);
  });
  if (!document) return std::nullopt;
  return schema::from_stored<Model>(*document, ns());
}

template <class M>
template <detail::FilterOf<M> E>
bool Repository<M>::change_one(const E& filter, query::Update<Model> update) {
  query::require_served(filter);
  if constexpr (!requires { &Model::updated_at; }) {
    if (update.empty()) return exists(filter);
  }
  const bson::Document matching = wire(filter);
  const auto result = send(matching, std::move(update), [&](const bson::Document& changes) {
    return session().update_one(kCollection, matching, changes);
  });
  return result.matched > 0;
}

template <class M>
template <detail::FilterOf<M> E, class Other>
bool Repository<M>::change_one_then_insert(const E& filter, query::Update<Model> update,
                                           const Repository<Other>& into, const Other& model) {
  query::require_served(filter);
  const bson::Document matching = wire(filter);
  return into.insert_by(model, [&](const bson::Document& document) {
    return send(matching, std::move(update), [&](const bson::Document& changes) {
      return session().update_then_insert({.collection = kCollection,
                                           .filter = matching,
                                           .update = changes,
                                           .into = Other::kCollection,
                                           .document = document});
    });
  });
}

template <class M>
template <schema::Described Result, detail::FilterOf<M> E>
std::vector<Result> Repository<M>::aggregate(const E& matching, const bson::Array& stages) {
  query::require_served(matching);
  bson::Builder pipeline;
  pipeline.push(bson::make_document("$match", wire(matching)));
  for (const bson::Element& stage : stages.items.view()) pipeline.push(stage.value);
  mongo::Cursor cursor = session().aggregate(kCollection, bson::Array(pipeline.finish()));
  std::vector<Result> results;
  while (const auto document = cursor.next()) {
    results.push_back(schema::from_stored<Result>(*document, ns()));
  }
  return results;
}

}  // namespace gesso::repositories
