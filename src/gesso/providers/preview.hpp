// Paints sketches (sketch.hpp) on the spot: needs no account and costs nothing. Each picture is
// marked as a preview, in the picture, in its PNG's texts, and by the generation's `provider`.
#pragma once

#include "gesso/providers/provider.hpp"

namespace gesso::providers {

struct PreviewOptions {
  std::size_t parallel = 2;
  int edge = 0;  // the longest edge in pixels; 0 paints them as large as they were asked for
};

class Preview final : public Provider {
  PreviewOptions options_;

 public:
  explicit Preview(PreviewOptions options = {}) : options_(options) {}

  [[nodiscard]] domain::ProviderKind kind() const override {
    return domain::ProviderKind::kPreview;
  }
  [[nodiscard]] std::size_t parallel() const override { return options_.parallel; }
  [[nodiscard]] bool blocks() const override { return true; }
  [[nodiscard]] bool is_free() const override { return true; }
  // The same bytes for the same prompt, seed and size. Without a seed the generation's id is one.
  [[nodiscard]] Answer begin(const Job& job, const client::Call& call) override;
  [[nodiscard]] ModelAnswer look_up(const domain::ModelEntry& /*model*/,
                                    const client::Call& /*call*/) override {
    return {.state = ModelState::kThere};
  }
};

}  // namespace gesso::providers
