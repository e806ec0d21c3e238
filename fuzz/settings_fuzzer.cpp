// Settings from a file and from the environment: whatever the text, settings or a clear error, and
// a secret never in it.
#include <cstdint>
#include <string>
#include <string_view>

#include "gesso/base/error.hpp"
#include "gesso/cli/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gesso::cli;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const LoadedSettings loaded = load_settings({.file_name = "gesso.toml", .file_text = text});
    for (const Setting& setting : setting_table()) (void)show(loaded.values, setting);
    if (!parse_address(loaded.values.listen)) __builtin_trap();
  } catch (const gesso::Error& error) {
    if (error.kind() != gesso::ErrorKind::kValidation) __builtin_trap();
  }
  try {
    (void)load_settings({.environment = {{"GESSO_POOL_" + text, text}, {"GESSO_LISTEN", text}}});
  } catch (const gesso::Error&) {
  }
  return 0;
}
