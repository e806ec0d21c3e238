#include "gesso/api/gzip.hpp"

#include <zlib.h>

#include <array>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"

namespace gesso::api {
namespace {

constexpr int kGzipFormat = 16;  // added to the window's size: a gzip header instead of zlib's
constexpr int kDefaultMemory = 8;

// zlib does not write to what it reads, and says so only with ZLIB_CONST.
Bytef* input_of(std::string_view bytes) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));  // NOLINT
}

// Calls `step` until zlib says that the end is reached; std::nullopt where it never is.
template <class Step>
std::optional<std::string> run(z_stream& stream, Step step) {
  std::string out;
  std::array<char, 16384> buffer{};
  for (int status = Z_OK; status != Z_STREAM_END;) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    status = step(stream);
    if (status != Z_OK && status != Z_STREAM_END) return std::nullopt;
    out.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether "q=0", "q=0.0", ... says that something is not to be sent.
bool is_refused(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  return at != std::string_view::npos &&
         trimmed(parameters.substr(at + 2)).find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipFormat + MAX_WBITS, kDefaultMemory,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error(ErrorKind::kInternal, "zlib has no memory");
  }
  stream.next_in = input_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  const auto out = run(stream, [](z_stream& s) { return deflate(&s, Z_FINISH); });
  deflateEnd(&stream);
  if (!out) throw Error(ErrorKind::kInternal, "zlib cannot compress");
  return *out;
}

std::string gunzip(std::string_view compressed) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipFormat + MAX_WBITS) != Z_OK) {
    throw Error(ErrorKind::kInternal, "zlib has no memory");
  }
  stream.next_in = input_of(compressed);
  stream.avail_in = static_cast<uInt>(compressed.size());
  const auto out = run(stream, [](z_stream& s) { return inflate(&s, Z_NO_FLUSH); });
  inflateEnd(&stream);
  if (!out) throw Error(ErrorKind::kInternal, "these bytes are not gzip");
  return *out;
}

bool accepts_gzip(std::optional<std::string_view> accept_encoding) noexcept {
  std::optional<bool> any;
  for (std::string_view rest = accept_encoding.value_or(""); !rest.empty();) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const std::size_t semicolon = std::min(item.find(';'), item.size());
    const std::string_view coding = trimmed(item.substr(0, semicolon));
    const bool taken = !is_refused(item.substr(semicolon));
    if (equal_ignoring_case(coding, "gzip")) return taken;
    if (coding == "*") any = taken;
  }
  return any.value_or(false);
}

}  // namespace gesso::api
