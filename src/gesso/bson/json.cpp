#include "gesso/bson/json.hpp"

#include <bson/bson.h>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"

namespace gesso::bson {
namespace {

std::string serialise(View document, JsonFormat format) {
  bson_t borrowed;
  if (!bson_init_static(&borrowed, document.data(), document.size())) return "(invalid BSON)";
  std::size_t length = 0;
  char* text = format == JsonFormat::kRelaxed ? bson_as_relaxed_extended_json(&borrowed, &length)
                                              : bson_as_canonical_extended_json(&borrowed, &length);
  if (text == nullptr) return "(invalid BSON)";
  std::string result(text, length);
  bson_free(text);
  return result;
}

}  // namespace

std::string to_short_json(Value value, std::size_t most_bytes) {
  constexpr std::string_view kBefore = "{ \"\" : ";
  if (value.raw().size() <= most_bytes / 8) return to_json(value);
  const Document wrapped = make_document("", value);
  bson_t borrowed;
  if (!bson_init_static(&borrowed, wrapped.data(), wrapped.size())) return "(invalid BSON)";
  // libbson ends its walk there.
  bson_json_opts_t* const options = bson_json_opts_new(
      BSON_JSON_MODE_RELAXED, static_cast<std::int32_t>(kBefore.size() + most_bytes));
  std::size_t length = 0;
  char* const text = bson_as_json_with_opts(&borrowed, &length, options);
  bson_json_opts_destroy(options);
  if (text == nullptr) return "(invalid BSON)";
  std::string result(text, length);
  bson_free(text);
  if (result.starts_with(kBefore)) result.erase(0, kBefore.size());
  if (result.size() > most_bytes) result.resize(most_bytes);
  if (result.size() < most_bytes && result.ends_with(" }")) {
    result.resize(result.size() - 2);  // it was all there
    return result;
  }
  // A character is not cut.
  while (!result.empty() && (static_cast<unsigned char>(result.back()) & 0xC0U) == 0x80) {
    result.pop_back();
  }
  if (!result.empty() && (static_cast<unsigned char>(result.back()) & 0x80U) != 0)
    result.pop_back();
  return result + "...";
}

std::string to_json(View document, JsonFormat format) { return serialise(document, format); }

std::string to_json(Value value, JsonFormat format) {
  if (value.is_missing()) return "(missing)";
  // { "" : 5 } without what stands around the value.
  const std::string wrapped = serialise(make_document("", value), format);
  constexpr std::string_view kBefore = "{ \"\" : ";
  constexpr std::string_view kAfter = " }";
  if (!wrapped.starts_with(kBefore)) return wrapped;
  return wrapped.substr(kBefore.size(), wrapped.size() - kBefore.size() - kAfter.size());
}

Document from_json(std::string_view text) {
  bson_error_t error;
  bson_t* parsed = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()),
                                      static_cast<ssize_t>(text.size()), &error);
  if (parsed == nullptr) {
    throw Error(ErrorKind::kValidation, std::string("not Extended JSON: ") + error.message);
  }
  Document document{View(bson_get_data(parsed))};
  bson_destroy(parsed);
  return document;
}

}  // namespace gesso::bson
