#include "gesso/images/jpeg.hpp"

#include <csetjmp>
#include <cstdio>

// Wants <cstdio> before it.
#include <jpeglib.h>

namespace gesso::images {
namespace {

constexpr int kMaxScans = 100;  // encoders make some ten

// libjpeg's object for reading. Its errors, and its warnings of damaged data, jump back to where
// `jump` was set, so nothing with a destructor is made after that.
struct Reader {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump{};

  Reader() {
    jpeg.err = jpeg_std_error(&errors);
    errors.error_exit = [](j_common_ptr common) { leave(common); };
    errors.emit_message = [](j_common_ptr common, int level) {
      if (level < 0) leave(common);
    };
    // A file of some megabytes can hold a hundred thousand scans, each a look at all of the
    // picture.
    progress.progress_monitor = [](j_common_ptr common) {
      if (static_cast<Reader*>(common->client_data)->jpeg.input_scan_number > kMaxScans) {
        leave(common);
      }
    };
    jpeg.client_data = this;
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { jpeg_destroy_decompress(&jpeg); }

 private:
  [[noreturn]] static void leave(j_common_ptr common) {
    std::longjmp(static_cast<Reader*>(common->client_data)->jump, 1);  // NOLINT: libjpeg's way
  }
};

// Each returns false where libjpeg jumped.
bool read_head(Reader& reader, std::string_view bytes) {
  if (setjmp(reader.jump) != 0) return false;  // NOLINT(cert-err52-cpp): libjpeg's way
  jpeg_create_decompress(&reader.jpeg);
  reader.jpeg.progress = &reader.progress;
  jpeg_mem_src(&reader.jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return jpeg_read_header(&reader.jpeg, TRUE) == JPEG_HEADER_OK;
}

bool read_rows(Reader& reader, Raster& raster) {
  if (setjmp(reader.jump) != 0) return false;  // NOLINT(cert-err52-cpp): libjpeg's way
  reader.jpeg.out_color_space = JCS_RGB;
  jpeg_start_decompress(&reader.jpeg);
  while (reader.jpeg.output_scanline < reader.jpeg.output_height) {
    JSAMPROW row = raster.pixel(0, static_cast<int>(reader.jpeg.output_scanline));
    jpeg_read_scanlines(&reader.jpeg, &row, 1);
  }
  return jpeg_finish_decompress(&reader.jpeg) == TRUE;
}

Size size_in(const Reader& reader) {
  return {static_cast<int>(reader.jpeg.image_width), static_cast<int>(reader.jpeg.image_height)};
}

}  // namespace

std::optional<Size> jpeg_size(std::string_view bytes) {
  Reader reader;
  if (!read_head(reader, bytes)) return std::nullopt;
  return size_in(reader);
}

std::optional<Raster> decode_jpeg(std::string_view bytes) {
  Reader reader;
  if (!read_head(reader, bytes)) return std::nullopt;
  const Size size = size_in(reader);
  Raster raster(size.width, size.height);
  if (!read_rows(reader, raster)) return std::nullopt;
  return raster;
}

}  // namespace gesso::images
