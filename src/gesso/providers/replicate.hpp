// Replicate (api.replicate.com/v1): a prediction is made, polled, cancelled, and found again by
// listing where the answer that told its id was lost, since no idempotency key is documented.
//
// Each prediction is made with a webhook's address that names its generation, `...?gen=<id>`, also
// where no webhook can reach us: the address is in every prediction that is listed, and by it one
// is known for ours.
#pragma once

#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/providers/provider.hpp"

namespace gesso::providers {

struct ReplicateOptions {
  Secret token;                                      // "r8_..."
  std::string origin = "https://api.replicate.com";  // for client::AllowedOrigins, too
  std::string webhook = {};  // "https://api.example.com/webhooks/replicate"; https alone is called
  std::size_t parallel = 50;
  std::chrono::seconds cancel_after{600};  // a prediction's own deadline
  int pages = 5;                           // of the list that are looked through, 100 each
};

class Replicate final : public Provider {
  ReplicateOptions options_;
  client::HttpClient& client_;
  const Clock& clock_;

 public:
  // Borrows client and clock. Throws Error kValidation for a token that cannot be sent.
  Replicate(ReplicateOptions options, client::HttpClient& client, const Clock& clock);

  [[nodiscard]] domain::ProviderKind kind() const override {
    return domain::ProviderKind::kReplicate;
  }
  [[nodiscard]] std::size_t parallel() const override { return options_.parallel; }
  [[nodiscard]] bool blocks() const override { return false; }
  [[nodiscard]] bool remembers() const override { return true; }

  [[nodiscard]] Answer begin(const Job& job, const client::Call& call) override;
  [[nodiscard]] Answer find(const Job& job, const client::Call& call) override;
  [[nodiscard]] Answer poll(const models::ForeignId& id, const client::Call& call) override;
  [[nodiscard]] Answer cancel(const models::ForeignId& id, const client::Call& call) override;
  [[nodiscard]] ModelAnswer look_up(const domain::ModelEntry& model,
                                    const client::Call& call) override;

 private:
  [[nodiscard]] client::HttpRequest request(std::string method, const std::string& path) const;
  [[nodiscard]] Answer read_prediction(const client::HttpResponse& reply) const;
  [[nodiscard]] Answer refusal(const client::HttpResponse& reply, bool creates) const;
};

// What is sent to make the prediction of a job, for tests and bodies alike: path and JSON.
struct ReplicateCreate {
  std::string path;
  std::string body;
};
[[nodiscard]] ReplicateCreate replicate_create(const Job& job, std::string_view webhook);

}  // namespace gesso::providers
