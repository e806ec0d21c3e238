// Idempotency keys of generations and grants: a request that is sent again, because its answer was
// lost, makes nothing twice.
//
// A key needs no document of its own: the generation's id is derived from the user and the key, and
// the index on `_id` decides which of several requests with one key makes the generation. The
// generation keeps the hash of its request, so that a key that is used again for something else is
// told apart. A key is remembered for as long as its generation is there.
//
// Where a charge for the first id was interrupted, its id is taken for good by what voids it
// (charging.hpp), and that of a generation that was deleted by what stays of it; the next request
// with the key goes on to a second id, and so on. A grant's key leads to its entry in the usage
// log, and is remembered as long as that: 90 days.
//
// Pure functions.
#pragma once

#include <cstddef>

#include "gesso/models/generation.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::domain {

using IdempotencyKey = schema::Text<1, 255>;

struct KeyReused {};  // the key belongs to another request

// The id of the generation of a key, after `voided` of its ids were used up. 128 bits of a
// SHA-256 in the form of our ids; another user's key gives another id.
[[nodiscard]] models::GenerationId keyed_id(const models::UserId& user_id,
                                            const IdempotencyKey& key, std::size_t voided);
// The id of the usage log's entry of a grant with a key of the administrator's.
[[nodiscard]] models::UsageLogId keyed_grant_id(const models::UserId& administrator,
                                                const IdempotencyKey& key);
// What tells requests apart: everything that the client decides.
[[nodiscard]] models::RequestHash hash_of(const models::GenerationCreate& request);

}  // namespace gesso::domain
