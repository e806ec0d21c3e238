// What /readyz says. Value types.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gesso/api/result.hpp"
#include "gesso/api/secret_state.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::api {

// Of the secret that the connection string comes from.
struct SecretSummary {
  std::string state;
  std::optional<std::string> version = {};
  std::optional<std::string> problem = {};

  static constexpr std::string_view kName = "SecretSummary";
};
GESSO_FIELDS(SecretSummary, (state, "Where the rotation stands."), (version, "The version in use."),
             (problem, "Why it is not as it should be."))

struct Readiness {
  std::string status = "ready";
  std::optional<SecretSummary> secret = {};

  static constexpr std::string_view kName = "Readiness";
};
GESSO_FIELDS(Readiness, (status, "`ready`."),
             (secret,
              "Of the connection string, where it comes from a vault. A service whose pool "
              "works is ready, also while a newer secret is refused: `problem` says so."))

struct NotReady : Problem<503, "unavailable", "Service Unavailable"> {
  std::optional<SecretSummary> secret = {};

  static constexpr std::string_view kName = "NotReadyProblem";
};
GESSO_FIELDS(NotReady, (secret, schema::field_about<&Readiness::secret>))

[[nodiscard]] std::optional<SecretSummary> summary_of(const std::optional<SecretState>& secret);
[[nodiscard]] NotReady not_ready(std::string_view why, const std::optional<SecretState>& secret);

}  // namespace gesso::api
