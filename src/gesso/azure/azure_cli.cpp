#include "gesso/azure/azure_cli.hpp"

#include <vector>

#include "gesso/azure/entra.hpp"
#include "gesso/azure/process.hpp"
#include "gesso/azure/token_reply.hpp"
#include "gesso/base/error.hpp"
#include "gesso/client/url.hpp"

namespace gesso::azure {
namespace {

class AzureCli final : public Credential {
  AzureCliOptions options_;
  const Clock& clock_;

 public:
  AzureCli(AzureCliOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  std::variant<AccessToken, NotHere> get(const TokenRequest& request, Asked,
                                         const client::Call& call) override {
    // No shell sees them; still, an argument must not look like an option.
    if (!client::parse_url(request.resource) ||
        (!request.tenant.empty() && !is_tenant(request.tenant))) {
      throw Error(ErrorKind::kValidation, "expected a URL as resource and an id as tenant");
    }
    std::vector<std::string> arguments{options_.program, "account", "get-access-token",
                                       "--output",       "json",    "--resource",
                                       request.resource};
    if (!request.tenant.empty()) arguments.insert(arguments.end(), {"--tenant", request.tenant});
    const auto result = run_process(arguments, options_.limit, call);
    if (!result) return NotHere{"the Azure CLI is not installed: no " + options_.program};
    if (result->exit_code == 0) {
      try {
        return read_az_output(result->out.reveal(), clock_.now());
      } catch (const Error& error) {
        throw Error(error.kind(), options_.program + ": " + error.what(),
                    {.retryable = error.retryable()});
      }
    }
    // 126 and 127: what a wrapper script of a shell says of a program that it does not find.
    const std::string words = first_line(result->err);
    if (result->exit_code == 126 || result->exit_code == 127) {
      return NotHere{"the Azure CLI is not installed: " + words};
    }
    if (result->err.find("az login") != std::string::npos) {
      return NotHere{"nobody is logged in, or not any more: run `az login` (" + words + ")"};
    }
    throw Error(ErrorKind::kAuth, options_.program + " ended with " +
                                      std::to_string(result->exit_code) + ": " + words);
  }

  std::string name() const override { return "Azure CLI"; }
};

}  // namespace

std::unique_ptr<Credential> make_azure_cli(AzureCliOptions options, const Clock& clock) {
  return std::make_unique<AzureCli>(std::move(options), clock);
}

}  // namespace gesso::azure
