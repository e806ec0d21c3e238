#include "gesso/images/jpeg.hpp"

#include <jpeglib.h>
#include <csetjmp>
#include <cstdio>  // jpeglib.h wants it before

namespace gesso::images {
namespace {

// libjpeg's object for reading. Its errors, and its warnings of damaged data, jump back to where
// `jump` was set, so nothing with a destructor is made after that.
struct Reader {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  std::jmp_buf jump{};

  Reader() {
    jpeg.err = jpeg_std_error(&errors);
    errors.error_exit = [](j_common_ptr common) { leave(common); };
    errors.emit_message = [](j_common_ptr common, int level) {
      if (level < 0) leave(common);
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

std::optional<Size> size_in(const Reader& reader, int max_edge) {
  const Size size{static_cast<int>(reader.jpeg.image_width),
                  static_cast<int>(reader.jpeg.image_height)};
  if (size.width > max_edge || size.height > max_edge) return std::nullopt;
  return size;
}

}  // namespace

std::optional<Size> jpeg_size(std::string_view bytes, int max_edge) {
  Reader reader;
  if (!read_head(reader, bytes)) return std::nullopt;
  return size_in(reader, max_edge);
}

std::optional<Raster> decode_jpeg(std::string_view bytes, int max_edge) {
  Reader reader;
  if (!read_head(reader, bytes)) return std::nullopt;
  const auto size = size_in(reader, max_edge);
  if (!size) return std::nullopt;
  Raster raster(size->width, size->height);
  if (!read_rows(reader, raster)) return std::nullopt;
  return raster;
}

}  // namespace gesso::images
