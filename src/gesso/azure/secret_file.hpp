// Small files that hold secrets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gesso/base/secret.hpp"

namespace gesso::azure {

// The whole of a file, without white space at its ends. Blocks. Throws Error kAuth where it cannot
// be read, is no regular file, is empty or holds more than `most` bytes; the message starts with
// `what` ("AZURE_FEDERATED_TOKEN_FILE").
[[nodiscard]] Secret read_secret_file(std::string_view what, const std::string& path,
                                      std::size_t most);

// What Azure Arc's agent lets its callers prove with: the file that a challenge names must be a
// regular one right in the agent's own folder, no link, named *.key, owned by root or the agent's
// user, writable by nobody else, and hold at most 4096 bytes. Whoever answers in the agent's place
// could name any file of this machine otherwise, and would be sent its content.
struct ArcKeyRules {
  std::string folder = "/var/opt/azcmagent/tokens";
  std::string owner = "himds";  // besides root
};

// The file that `WWW-Authenticate: Basic realm=PATH` names. Throws Error kAuth.
[[nodiscard]] std::string read_arc_challenge(std::string_view www_authenticate);

// Throws Error kAuth that says which rule is broken.
[[nodiscard]] Secret read_arc_key(const std::string& path, const ArcKeyRules& rules);

}  // namespace gesso::azure
