// Updates from any valid BSON: {update, arrayFilters, query, document}.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/update/update.hpp"

namespace {

using gesso::bson::View;

View part(View input, const char* name) {
  const auto value = input[name];
  return value.is_document() ? value.as_document() : View();
}

// Whatever an update makes must be BSON again.
void require_valid(const gesso::bson::Document& document) {
  if (!View::validate(document.view().bytes())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace localdb = gesso::localdb;
  const auto input = View::validate({data, size});
  if (!input) return 0;
  try {
    const auto query = localdb::Matcher::compile(part(*input, "query"));
    const auto update = localdb::Update::compile((*input)["update"], (*input)["arrayFilters"]);
    try {
      require_valid(update.apply(part(*input, "document"), &query, {}).document);
    } catch (const localdb::CommandError&) {
      // Refused for this document; it may still be inserted.
    }
    require_valid(update.upsert(query, {}));
  } catch (const localdb::CommandError&) {
    // What is no update is refused; that is the contract.
  }
  return 0;
}
