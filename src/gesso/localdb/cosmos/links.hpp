// The links that Cosmos DB adds to the chain that every command goes through.
#pragma once

#include "gesso/localdb/engine/chain.hpp"

namespace gesso::localdb::cosmos {

// Refuses numbered writes, transactions, and what the lists of supported names do not have.
class RefuseUnsupported final : public Link {
  void around(Call& call, const Next& next) const override;
};

// Gives the command its ledger, waits for the rate limit where the server does that, and notes
// what the command cost. Of a greeting it keeps no account.
class KeepAccount final : public Link {
  void around(Call& call, const Next& next) const override;
};

// Answers a numbered write that was done before with what came of it.
class RememberWrites final : public Link {
  void around(Call& call, const Next& next) const override;
};

}  // namespace gesso::localdb::cosmos
