// An operation of the API as a value: what a request means, said once. Routing, decoding, access,
// limits, metrics and the OpenAPI document all come from it; what is not in the list of operations
// (operations.hpp) does not exist.
//
//   struct GetGeneration { std::string id; };
//   GESSO_FIELDS(GetGeneration, (id, "Which one."))
//
//   Result<models::Generation, NotFound> get_generation(DatabaseCall& call,
//                                                       const GetGeneration& asked) { ... }
//
//   constexpr Operation kOperations[] = {
//       operation<get_generation>({.path = "/api/v1/generations/{id}",
//                                  .id = "getGeneration",
//                                  .tag = "Generations",
//                                  .summary = "One generation of the caller's.",
//                                  .scope = Scope::kGenerationsRead}),
//   };
//
// The input is a described struct. Of its fields, one that the path names in braces comes from
// there; `body` is the body, read as its type's codec says; one flagged `kFromHeader` is a header
// (idempotency_key: Idempotency-Key); all others are query parameters. See bind.hpp. The output is
// a described struct, `Page<T>`, or one of those in output.hpp.
//
// Constant, hence thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gesso/api/bind.hpp"
#include "gesso/api/call.hpp"
#include "gesso/api/output.hpp"
#include "gesso/api/result.hpp"
#include "gesso/http/request.hpp"
#include "gesso/http/response.hpp"

namespace gesso::api {

enum class Access {
  kPublic,  // everybody
  kUser,    // whoever shows a token or a key of a user who is active
};

struct OperationInfo {
  http::Method method = http::Method::kGet;
  std::string_view path;
  std::string_view id;       // "listGenerations": a client's method, and the label of the metrics
  std::string_view tag;      // the resource: "Generations"
  std::string_view summary;  // a sentence
  std::string_view description = {};
  Access access = Access::kUser;
  std::optional<Scope> scope = {};  // what the caller's key or token must be good for
  LimitClass limit = LimitClass::kRead;
  int status = 200;  // of success; 204 where the output is NoContent
  // Where what was created is found: "/api/v1/generations/{id}", with the output's own `id`.
  std::string_view location = {};
  std::chrono::milliseconds timeout{0};  // 0 is the service's
  std::string_view media_type = {};      // of an output that is Content: "text/plain"
  bool hidden = false;                   // left out of the document: it is about the document
  // A cookie that is used up once the function ran: the browser is told to forget it, whatever the
  // function returned. What keeps the function from running keeps the cookie.
  std::string_view used_cookie = {};
};

enum class Place { kDatabase, kRead, kHashing, kOutgoing, kInline };

// A request whose input has been read: what is left is to call the function.
class BoundOperation {
 public:
  virtual ~BoundOperation() = default;
  // `call` is of the type that the operation's place has. Throws what the function throws.
  [[nodiscard]] virtual http::Response run(Call& call) const = 0;
};

struct ProblemSchema {
  int status;
  std::string_view code;
  std::string_view title;
  std::string_view name = {};                  // in the document; "" is made of the code
  std::optional<bson::Document> members = {};  // the JSON Schema of what it tells beyond that
};

// Another success than the operation's own.
struct AlternativeSchema {
  int status;
  std::string_view about;
  OutputSchema output;
};

// What the document says of an operation beside its info.
struct OperationSchema {
  InputSchema input;
  OutputSchema output;
  std::vector<AlternativeSchema> alternatives;
  std::vector<ProblemSchema> problems;
};

class Operation {
 public:
  // What knows the types of the operation's function.
  struct Functions {
    std::unique_ptr<BoundOperation> (*bind)(const OperationInfo&, const RequestParts&,
                                            std::vector<Violation>&);
    OperationSchema (*describe)(const OperationInfo&);
    std::optional<http::Response> (*recover)(const Call&, const Error&);
  };

 private:
  OperationInfo info_;
  Place place_;
  Functions functions_;

 public:
  constexpr Operation(const OperationInfo& info, Place place, const Functions& functions)
      : info_(info), place_(place), functions_(functions) {}

  [[nodiscard]] constexpr const OperationInfo& info() const { return info_; }
  [[nodiscard]] constexpr Place place() const { return place_; }

  // Reads the input; nullptr where `violations` says what does not fit, everything at once. Each
  // violation's path begins with where in the request it is: "query", "limit". `parts` may be gone
  // afterwards.
  [[nodiscard]] std::unique_ptr<BoundOperation> bind(const RequestParts& parts,
                                                     std::vector<Violation>& violations) const {
    return functions_.bind(info_, parts, violations);
  }
  [[nodiscard]] OperationSchema describe() const { return functions_.describe(info_); }
  // What a failure before or in the function means to this operation; std::nullopt for what it
  // means to all.
  [[nodiscard]] std::optional<http::Response> recover(const Call& call, const Error& error) const {
    return functions_.recover == nullptr ? std::nullopt : functions_.recover(call, error);
  }
};

namespace detail {

template <class F>
struct Handler;
template <class R, class C, class I>
struct Handler<R (*)(C&, const I&)> {
  using Result = R;
  using CallType = C;
  using Input = I;
};

template <class C>
consteval Place place_of() {
  if constexpr (std::same_as<C, DatabaseCall>) {
    return Place::kDatabase;
  } else if constexpr (std::same_as<C, ReadCall>) {
    return Place::kRead;
  } else if constexpr (std::same_as<C, HashingCall>) {
    return Place::kHashing;
  } else if constexpr (std::same_as<C, OutgoingCall>) {
    return Place::kOutgoing;
  } else {
    static_assert(std::same_as<C, InlineCall>, "no such place to run an operation");
    return Place::kInline;
  }
}

template <class R>
http::Response respond(const OperationInfo& info, const R& result, std::string_view request_id) {
  http::Response response = std::visit(
      [&]<class V>(const V& value) {
        if constexpr (std::same_as<V, typename R::Value>) {
          return encode_output(value, info.status, info.location);
        } else if constexpr (kIsAlternative<V>) {
          return encode_output(value.value, V::kStatus, {});
        } else {
          return encode_problem(value, request_id);
        }
      },
      result.outcome());
  if (!info.used_cookie.empty()) forget_cookie(response, info.used_cookie);
  return response;
}

template <auto Run>
class Bound final : public BoundOperation {
  using H = Handler<decltype(Run)>;
  const OperationInfo& info_;
  typename H::Input input_;

 public:
  Bound(const OperationInfo& info, typename H::Input input)
      : info_(info), input_(std::move(input)) {}
  [[nodiscard]] http::Response run(Call& call) const override {
    return respond(info_, Run(static_cast<typename H::CallType&>(call), input_), call.request_id);
  }
};

template <auto Run>
std::unique_ptr<BoundOperation> bind(const OperationInfo& info, const RequestParts& parts,
                                     std::vector<Violation>& violations) {
  auto input = bind_input<typename Handler<decltype(Run)>::Input>(parts, violations);
  if (!input) return nullptr;
  return std::make_unique<Bound<Run>>(info, std::move(*input));
}

template <auto Run>
OperationSchema describe(const OperationInfo& info) {
  using H = Handler<decltype(Run)>;
  OperationSchema described{.input = input_schema<typename H::Input>(info.path),
                            .output = output_schema<typename H::Result::Value>(),
                            .alternatives = {},
                            .problems = {}};
  boost::mp11::mp_for_each<
      boost::mp11::mp_transform<std::type_identity, typename H::Result::AlternativeList>>(
      [&]<class A>(std::type_identity<A>) {
        described.alternatives.push_back({.status = A::kStatus,
                                          .about = A::kAbout,
                                          .output = output_schema<decltype(A::value)>()});
      });
  boost::mp11::mp_for_each<
      boost::mp11::mp_transform<std::type_identity, typename H::Result::ProblemList>>(
      [&]<class P>(std::type_identity<P>) {
        ProblemSchema problem{.status = P::kStatus, .code = P::kCode, .title = P::kTitle};
        if constexpr (schema::Described<P>) {
          problem.name = schema::name_of<P>();
          problem.members = schema::json_schema_fragment<P>(schema::SchemaUse::kOutput);
        }
        described.problems.push_back(std::move(problem));
      });
  return described;
}

template <auto Run, auto Recover>
std::optional<http::Response> recover(const Call& call, const Error& error) {
  const auto result = Recover(call, error);
  return result ? std::optional(encode_problem(*result, call.request_id)) : std::nullopt;
}

// What of an operation can be wrong and is seen by the compiler, which names the one of these that
// it cannot call. None is defined.
namespace fault {
void the_path_does_not_start_with_a_slash();
void it_has_no_id_or_tag_or_summary();
void an_inline_operation_is_for_everybody();
void a_public_operation_has_no_scope();
void it_says_no_scope();
void a_get_or_delete_has_no_body();
void the_path_names_a_parameter_that_the_input_has_no_field_for();
}  // namespace fault

template <auto Run>
consteval void check(const OperationInfo& info) {
  using H = Handler<decltype(Run)>;
  if (!info.path.starts_with('/')) fault::the_path_does_not_start_with_a_slash();
  if (info.id.empty() || info.tag.empty() || info.summary.empty())
    fault::it_has_no_id_or_tag_or_summary();
  if (place_of<typename H::CallType>() == Place::kInline && info.access != Access::kPublic) {
    fault::an_inline_operation_is_for_everybody();
  }
  if (info.access == Access::kPublic && info.scope) fault::a_public_operation_has_no_scope();
  if (info.access == Access::kUser && !info.scope) fault::it_says_no_scope();
  if (has_body<typename H::Input>() &&
      (info.method == http::Method::kGet || info.method == http::Method::kDelete)) {
    fault::a_get_or_delete_has_no_body();
  }
  std::string_view rest = info.path;
  while (rest.find('{') != std::string_view::npos) {
    rest.remove_prefix(rest.find('{') + 1);
    if (!has_field<typename H::Input>(rest.substr(0, rest.find('}')))) {
      fault::the_path_names_a_parameter_that_the_input_has_no_field_for();
    }
  }
}

}  // namespace detail

// The operation that `Run` is: a function of a call (see call.hpp) and its input, that returns a
// Result. `Recover`, where given, says what failures mean: a function of the call and the Error
// that returns a problem or std::nullopt.
template <auto Run, auto Recover = nullptr>
consteval Operation operation(const OperationInfo& info) {
  detail::check<Run>(info);
  Operation::Functions functions{
      .bind = &detail::bind<Run>, .describe = &detail::describe<Run>, .recover = nullptr};
  if constexpr (!std::same_as<decltype(Recover), std::nullptr_t>) {
    functions.recover = &detail::recover<Run, Recover>;
  }
  return Operation(info, detail::place_of<typename detail::Handler<decltype(Run)>::CallType>(),
                   functions);
}

// Of one resource, in the order of the document.
using Operations = std::span<const Operation>;

}  // namespace gesso::api
