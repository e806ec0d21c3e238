#include "gesso/schema/json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <system_error>
#include <unordered_set>
#include <vector>

#include "gesso/base/text.hpp"

namespace gesso::schema {
namespace {

constexpr std::size_t kMaxDepth = 32;

// Receives what the parser reads and appends it to a builder. A handler stops the parser with an
// error code and leaves the reason in `fault`.
class Handler {
  bson::Builder builder_;
  struct Level {
    bool is_array;
    std::unordered_set<std::string> names;
  };
  std::vector<Level> levels_;
  std::string key_;
  std::string text_;

 public:
  // The limits that basic_parser asks for; ours are the depth and what the HTTP layer lets in.
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  std::string fault;  // why a handler stopped the parser
  bool root_is_object = true;

  [[nodiscard]] bson::Document finish() { return builder_.finish(); }

  bool on_document_begin(boost::json::error_code&) { return true; }
  bool on_document_end(boost::json::error_code&) { return true; }

  bool on_object_begin(boost::json::error_code&) {
    if (!levels_.empty()) builder_.open_document(next_key());
    levels_.push_back({.is_array = false, .names = {}});
    return true;
  }
  bool on_object_end(std::size_t, boost::json::error_code&) { return close(); }

  bool on_array_begin(boost::json::error_code& error) {
    if (levels_.empty()) return stop_at_root(error);
    builder_.open_array(next_key());
    levels_.push_back({.is_array = true, .names = {}});
    return true;
  }
  bool on_array_end(std::size_t, boost::json::error_code&) { return close(); }

  bool on_key_part(boost::json::string_view part, std::size_t, boost::json::error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(boost::json::string_view part, std::size_t, boost::json::error_code& error) {
    key_.append(part.data(), part.size());
    if (key_.find('\0') != std::string::npos) return stop(error, "a name must not hold a NUL");
    if (!levels_.back().names.insert(key_).second) {
      return stop(error, "the name \"" + std::string(utf8_prefix(key_, 40)) + "\" stands twice");
    }
    return true;
  }

  bool on_string_part(boost::json::string_view part, std::size_t, boost::json::error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(boost::json::string_view part, std::size_t, boost::json::error_code& error) {
    text_.append(part.data(), part.size());
    const bool go_on = append(std::string_view(text_), error);
    text_.clear();
    return go_on;
  }

  bool on_number_part(boost::json::string_view, boost::json::error_code&) { return true; }
  bool on_int64(std::int64_t value, boost::json::string_view, boost::json::error_code& error) {
    return append(value, error);
  }
  bool on_uint64(std::uint64_t value, boost::json::string_view, boost::json::error_code& error) {
    return append(static_cast<double>(value), error);
  }
  // Boost's value may be off by a unit in the last place, so the number is read again from its
  // text, which is whole since the parser gets all of the input at once.
  bool on_double(double value, boost::json::string_view text, boost::json::error_code& error) {
    double exact = 0;  // and stays so where the number is too small
    const auto read = std::from_chars(text.data(), text.data() + text.size(), exact);
    if (read.ec != std::errc{} && std::abs(value) > 1) {
      return stop(error, "the number is too large");
    }
    return append(exact, error);
  }
  bool on_bool(bool value, boost::json::error_code& error) { return append(value, error); }
  bool on_null(boost::json::error_code& error) { return append(bson::Null{}, error); }

  bool on_comment_part(boost::json::string_view, boost::json::error_code&) { return true; }
  bool on_comment(boost::json::string_view, boost::json::error_code&) { return true; }

 private:
  std::string next_key() {
    return levels_.back().is_array ? builder_.next_key() : std::exchange(key_, {});
  }

  template <class T>
  bool append(const T& value, boost::json::error_code& error) {
    if (levels_.empty()) return stop_at_root(error);
    builder_.append(next_key(), value);
    return true;
  }

  bool close() {
    levels_.pop_back();
    if (!levels_.empty()) builder_.close();
    return true;
  }

  bool stop_at_root(boost::json::error_code& error) {
    root_is_object = false;
    return stop(error, "the root is no object");
  }

  bool stop(boost::json::error_code& error, std::string why) {
    error = boost::json::make_error_code(boost::json::error::syntax);
    fault = std::move(why);
    return false;
  }
};

[[noreturn]] void refuse(Path path, std::string type, std::string message, std::string found) {
  throw validation_error({{.path = std::move(path),
                           .type = std::move(type),
                           .message = std::move(message),
                           .expected = "a JSON object",
                           .found = std::move(found)}});
}

}  // namespace

bson::Document parse_json(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    refuse({}, "missing", "Field required", "nothing");
  }
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::basic_parser<Handler> parser(options);
  boost::json::error_code error;
  std::size_t position = parser.write_some(false, text.data(), text.size(), error);
  const Handler& handler = parser.handler();
  if (!error && position < text.size()) {
    // write_some ends behind the value; only white space may follow.
    position = text.find_first_not_of(" \t\r\n", position);
    if (position != std::string_view::npos) {
      refuse({position}, "json_invalid", "JSON decode error: extra data",
             "more text at byte " + std::to_string(position));
    }
  }
  if (!handler.root_is_object) {
    refuse({}, "model_attributes_type",
           "Input should be a valid dictionary or object to extract fields from",
           "JSON of another kind");
  }
  if (error) {
    const std::string why = handler.fault.empty() ? error.message() : handler.fault;
    refuse({position}, "json_invalid", "JSON decode error: " + why,
           "invalid JSON at byte " + std::to_string(position));
  }
  return parser.handler().finish();
}

}  // namespace gesso::schema
