// The keys that this service signs with: that of access tokens, from which others are derived.
#pragma once

#include <vector>

#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/cli/settings.hpp"

namespace gesso::cli {

// `jwt_secret`, and behind it `jwt_previous_secret` where one is replaced; without them the key in
// the data folder, which is made where there is none.
[[nodiscard]] std::vector<Secret> token_keys(const Settings& settings, Random& random);

}  // namespace gesso::cli
