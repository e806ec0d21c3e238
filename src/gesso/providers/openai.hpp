// OpenAI's images endpoint (POST /v1/images/generations): one request, which answers with the
// images in base64 once they are painted, minutes later perhaps. It keeps nothing that could be
// asked for again: where the answer is lost, another attempt paints anew.
#pragma once

#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/providers/provider.hpp"

namespace gesso::providers {

struct OpenaiOptions {
  Secret key;                                     // "sk-..."
  std::string origin = "https://api.openai.com";  // for client::AllowedOrigins, too
  std::size_t parallel = 8;
};

class Openai final : public Provider {
  OpenaiOptions options_;
  client::HttpClient& client_;
  const Clock& clock_;

 public:
  // Borrows client, which must take replies of tens of MiB, and clock. Throws Error kValidation for
  // a key that cannot be sent.
  Openai(OpenaiOptions options, client::HttpClient& client, const Clock& clock);

  [[nodiscard]] domain::ProviderKind kind() const override { return domain::ProviderKind::kOpenai; }
  [[nodiscard]] std::size_t parallel() const override { return options_.parallel; }
  [[nodiscard]] bool blocks() const override { return true; }
  [[nodiscard]] Answer begin(const Job& job, const client::Call& call) override;
  [[nodiscard]] ModelAnswer look_up(const domain::ModelEntry& model,
                                    const client::Call& call) override;
};

}  // namespace gesso::providers
