// JSON from clients: whatever parse_json accepts is valid BSON and comes out the same after a trip
// through text; whatever a request's decoder accepts, it accepts again from its own output.
#include <cstdint>
#include <string>
#include <string_view>

#include "gesso/base/error.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/schema/json.hpp"

namespace {

using namespace gesso;

void require(bool condition) {
  if (!condition) __builtin_trap();
}

template <class Request>
void decode(const bson::Document& document) {
  try {
    const auto request = schema::decode<Request>(document, schema::Format::kJson);
    if constexpr (schema::InBson<Request>) {
      require(schema::from_bson<Request>(schema::to_bson(request)) == request);
    }
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kValidation && !error.violations().empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bson::Document document;
  try {
    document = schema::parse_json(text);
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kValidation && error.violations().size() == 1);
    return 0;
  }
  require(bson::View::validate(document.view().bytes()).has_value());
  require(schema::parse_json(schema::json_text(document)) == document);
  decode<models::UserCreate>(document);
  decode<models::UserUpdate>(document);
  decode<models::GenerationCreate>(document);
  decode<models::UsageLogCreate>(document);
  return 0;
}
