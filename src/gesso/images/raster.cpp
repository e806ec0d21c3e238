#include "gesso/images/raster.hpp"

#include <png.h>
#include <webp/decode.h>
#include <webp/encode.h>

#include <algorithm>
#include <climits>
#include <csetjmp>
#include <memory>

#include "gesso/base/error.hpp"
#include "gesso/images/jpeg.hpp"

namespace gesso::images {
namespace {

constexpr int kMaxEdge = 8192;
constexpr std::int64_t kMaxPixels = 40'000'000;  // 120 MB as a raster
constexpr int kCompression = 3;  // of zlib: a tenth larger than its best, four times as fast
constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1A\n";

// libpng's objects for writing. An error of libpng jumps back to where `png_jmpbuf` was set, so
// nothing with a destructor is made after that.
struct Writer {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png != nullptr ? png_create_info_struct(png) : nullptr;

  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { png_destroy_write_struct(&png, &info); }
};

void append(png_structp png, png_bytep bytes, png_size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))
      ->append(reinterpret_cast<const char*>(bytes), size);
}

// Returns false where libpng jumped.
bool write(const Writer& writer, const Raster& raster, std::vector<png_text>& texts,
           std::string& out) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) return false;  // NOLINT(cert-err52-cpp): libpng's way
  png_set_write_fn(writer.png, &out, append, nullptr);
  png_set_compression_level(writer.png, kCompression);
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(raster.width),
               static_cast<png_uint_32>(raster.height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_filter(writer.png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  if (!texts.empty()) {
    png_set_text(writer.png, writer.info, texts.data(), static_cast<int>(texts.size()));
  }
  png_write_info(writer.png, writer.info);
  for (int y = 0; y < raster.height; ++y) png_write_row(writer.png, raster.pixel(0, y));
  png_write_end(writer.png, nullptr);
  return true;
}

std::optional<Raster> decode_png(std::string_view bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  std::optional<Raster> raster;
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0) {
    image.format = PNG_FORMAT_RGB;
    raster.emplace(static_cast<int>(image.width), static_cast<int>(image.height));
    const png_color background{255, 255, 255};
    if (png_image_finish_read(&image, &background, raster->rgb.data(), 0, nullptr) == 0) {
      raster.reset();
    }
  }
  png_image_free(&image);
  return raster;
}

std::optional<Size> png_size(std::string_view bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  std::optional<Size> size;
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0 &&
      image.width <= INT_MAX && image.height <= INT_MAX) {
    size = Size{static_cast<int>(image.width), static_cast<int>(image.height)};
  }
  png_image_free(&image);
  return size;
}

std::optional<Size> webp_size(std::string_view bytes) {
  Size size;
  if (WebPGetInfo(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), &size.width,
                  &size.height) == 0) {
    return std::nullopt;
  }
  return size;
}

std::optional<Size> size_in_head(std::string_view bytes) {
  switch (format_of(bytes)) {
    case Format::kPng:
      return png_size(bytes);
    case Format::kJpeg:
      return jpeg_size(bytes);
    case Format::kWebp:
      return webp_size(bytes);
    case Format::kUnknown:
      break;
  }
  return std::nullopt;
}

std::optional<Raster> decode_webp(std::string_view bytes) {
  const auto size = webp_size(bytes);
  if (!size) return std::nullopt;
  Raster raster(size->width, size->height);
  if (WebPDecodeRGBInto(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                        raster.rgb.data(), raster.rgb.size(), 3 * size->width) == nullptr) {
    return std::nullopt;
  }
  return raster;
}

}  // namespace

std::string encode_png(const Raster& raster, const PngTexts& texts) {
  const Writer writer;
  std::string out;
  std::vector<png_text> chunks;
  for (const auto& [keyword, text] : texts) {
    png_text chunk{};
    chunk.compression = PNG_TEXT_COMPRESSION_NONE;
    chunk.key = const_cast<char*>(keyword.c_str());
    chunk.text = const_cast<char*>(text.c_str());
    chunk.text_length = text.size();
    chunks.push_back(chunk);
  }
  if (writer.info == nullptr || !write(writer, raster, chunks, out)) {
    throw Error(ErrorKind::kInternal, "libpng could not write a picture of " +
                                          std::to_string(raster.width) + "x" +
                                          std::to_string(raster.height));
  }
  return out;
}

std::string encode_webp(const Raster& raster, float quality) {
  std::uint8_t* bytes = nullptr;
  const std::size_t size = WebPEncodeRGB(raster.rgb.data(), raster.width, raster.height,
                                         3 * raster.width, quality, &bytes);
  const std::unique_ptr<std::uint8_t, void (*)(void*)> owned(bytes, WebPFree);
  if (size == 0) {
    throw Error(ErrorKind::kInternal, "libwebp could not write a picture of " +
                                          std::to_string(raster.width) + "x" +
                                          std::to_string(raster.height));
  }
  return {reinterpret_cast<const char*>(bytes), size};
}

Format format_of(std::string_view bytes) noexcept {
  if (bytes.starts_with(kPngSignature)) return Format::kPng;
  if (bytes.starts_with("\xFF\xD8\xFF")) return Format::kJpeg;
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") {
    return Format::kWebp;
  }
  return Format::kUnknown;
}

bool is_image(std::string_view bytes) noexcept {
  if (format_of(bytes) != Format::kUnknown || bytes.starts_with("GIF8")) return true;
  // A file of the ISO base media format (14496-12) names its brand behind the length and `ftyp`.
  return bytes.size() >= 12 &&
         (bytes.substr(4, 8) == "ftypavif" || bytes.substr(4, 8) == "ftypavis");
}

std::string_view media_type(Format format) noexcept {
  switch (format) {
    case Format::kPng:
      return "image/png";
    case Format::kJpeg:
      return "image/jpeg";
    case Format::kWebp:
      return "image/webp";
    case Format::kUnknown:
      break;
  }
  return "application/octet-stream";
}

std::string_view extension(Format format) noexcept {
  switch (format) {
    case Format::kPng:
      return "png";
    case Format::kJpeg:
      return "jpg";
    case Format::kWebp:
      return "webp";
    case Format::kUnknown:
      break;
  }
  return "bin";
}

std::optional<Size> size_of(std::string_view bytes) {
  const auto size = size_in_head(bytes);
  if (!size || size->width > kMaxEdge || size->height > kMaxEdge) return std::nullopt;
  if (std::int64_t{size->width} * size->height > kMaxPixels) return std::nullopt;
  return size;
}

std::optional<Raster> decode(std::string_view bytes) {
  if (!size_of(bytes)) return std::nullopt;
  switch (format_of(bytes)) {
    case Format::kPng:
      return decode_png(bytes);
    case Format::kJpeg:
      return decode_jpeg(bytes);
    case Format::kWebp:
      return decode_webp(bytes);
    case Format::kUnknown:
      break;
  }
  return std::nullopt;
}

Raster shrink(const Raster& raster, int edge) {
  const int longest = std::max(raster.width, raster.height);
  if (longest <= edge) return raster;
  Raster small(std::max(1, raster.width * edge / longest),
               std::max(1, raster.height * edge / longest));
  for (int y = 0; y < small.height; ++y) {
    const int top = y * raster.height / small.height;
    const int bottom = std::max(top + 1, (y + 1) * raster.height / small.height);
    for (int x = 0; x < small.width; ++x) {
      const int left = x * raster.width / small.width;
      const int right = std::max(left + 1, (x + 1) * raster.width / small.width);
      std::uint64_t sum[3] = {};
      for (int v = top; v < bottom; ++v) {
        const std::uint8_t* row = raster.pixel(left, v);
        for (int u = 0; u < 3 * (right - left); ++u) sum[u % 3] += row[u];
      }
      const auto count =
          static_cast<std::uint64_t>(right - left) * static_cast<std::uint64_t>(bottom - top);
      for (int channel = 0; channel < 3; ++channel) {
        small.pixel(x, y)[channel] = static_cast<std::uint8_t>((sum[channel] + count / 2) / count);
      }
    }
  }
  return small;
}

}  // namespace gesso::images
