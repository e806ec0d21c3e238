// Filters, sorts and projections from any valid BSON: {filter, sort, projection, document}.
#include <cstddef>
#include <cstdint>

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/match/projection.hpp"
#include "gesso/localdb/language/match/sort.hpp"

namespace {

using gesso::bson::View;

View part(View input, const char* name) {
  const auto value = input[name];
  return value.is_document() ? value.as_document() : View();
}

template <class Action>
void tolerate_refusals(Action action) {
  try {
    action();
  } catch (const gesso::localdb::CommandError&) {
    // What is no filter is refused; that is the contract.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace localdb = gesso::localdb;
  const auto input = View::validate({data, size});
  if (!input) return 0;
  const View document = part(*input, "document");
  tolerate_refusals([&] {
    const auto matcher = localdb::Matcher::compile(part(*input, "filter"));
    static_cast<void>(matcher.matches(document));
    const auto projection = localdb::Projection::compile(part(*input, "projection"));
    const auto projected = projection.apply(document, &matcher);
    static_cast<void>(matcher.matches(projected));
  });
  tolerate_refusals([&] {
    const auto sort = localdb::SortSpec::parse(part(*input, "sort"));
    static_cast<void>(sort.compare(document, *input));
  });
  return 0;
}
