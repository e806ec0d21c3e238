// A connection to a server of this process.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace gesso::mongo {

// Takes one whole message of the wire protocol and gives the bytes of the answer, valid until the
// next call; none where the message asks for none. Blocks until the server is done. Called by one
// thread at a time. What it throws counts as a connection that was lost.
using LocalConnection =
    std::function<std::span<const std::uint8_t>(std::span<const std::uint8_t> message)>;

// Opens one. Thread-safe; the server outlives all of them.
using OpenLocalConnection = std::function<LocalConnection()>;

}  // namespace gesso::mongo
