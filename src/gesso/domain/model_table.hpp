// Which provider paints what the API calls a model, as the settings say: names of the seed are
// ours, those behind them change as providers retire theirs.
//
// Values; const after construction, hence thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/models/generation.hpp"

namespace gesso::domain {

// The kinds of providers; each is a file of providers/.
enum class ProviderKind { kPreview, kReplicate, kOpenai };
constexpr auto wire_texts(ProviderKind) {
  return std::to_array<std::string_view>({"preview", "replicate", "openai"});
}

struct ModelEntry {
  ProviderKind provider = ProviderKind::kPreview;
  // As the provider calls it: "stability-ai/sdxl:7762fd07...", "gpt-image-2"; preview needs none.
  std::string model = {};
  std::int64_t credits = 1;  // an image
  // What the provider is asked for in place of a size of ours: {"1792x1024", "1536x1024"}.
  std::map<std::string, std::string, std::less<>> sizes = {};
  // Fields of the provider's own that go along with every request: {"quality", "medium"}.
  std::map<std::string, std::string, std::less<>> parameters = {};

  // The provider's size for one of ours.
  [[nodiscard]] std::string_view size_for(models::ImageSize size) const;

  friend bool operator==(const ModelEntry&, const ModelEntry&) = default;
};

// "openai gpt-image-2, credits=4, 1792x1024=1536x1024, quality=medium": the provider, what it calls
// the model, and then in any order the price of an image, sizes and parameters. "" is the preview.
// std::nullopt where it cannot be read, which includes a provider that needs a model and has none.
[[nodiscard]] std::optional<ModelEntry> read_model(std::string_view text);

class ModelTable {
  static constexpr std::size_t kModels = wire_texts(models::ModelType{}).size();
  std::array<ModelEntry, kModels> entries_;

 public:
  // Previews of everything, a credit an image.
  ModelTable() = default;
  // In the order of models::ModelType.
  explicit ModelTable(std::array<ModelEntry, kModels> entries) : entries_(std::move(entries)) {}

  [[nodiscard]] const ModelEntry& get(models::ModelType type) const {
    return entries_.at(static_cast<std::size_t>(type));
  }
  // Whether some model is this provider's.
  [[nodiscard]] bool uses(ProviderKind provider) const;
};

}  // namespace gesso::domain
