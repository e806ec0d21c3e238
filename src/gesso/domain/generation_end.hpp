// How a generation ends, whoever says so: the changes of the update that ends it, and what is due
// afterwards.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "gesso/domain/charging.hpp"
#include "gesso/domain/generation_images.hpp"
#include "gesso/domain/generations.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/query/update.hpp"

namespace gesso::domain {

enum class Refund { kNo, kYes };

// The next three are pure functions of the generation as it was seen.

// It has its images.
[[nodiscard]] query::Update<models::Generation> completion(const models::Generation& seen,
                                                           const ImageAddresses& images,
                                                           Time moment);
// It came to nothing; kYes makes its refund due, if it was paid for.
[[nodiscard]] query::Update<models::Generation> failure(const models::Generation& seen,
                                                        models::GenerationStatus status,
                                                        Refund refund, std::string_view reason,
                                                        Time moment);
// It is given up, and no other attempt follows: cancelled where its user asked for that, else
// failed. Paid back in both cases.
[[nodiscard]] query::Update<models::Generation> giving_up(const models::Generation& seen,
                                                          std::string_view reason, Time moment);

// What is due after an end, also where the call before died: the refund, and whoever watches.
// Returns the generation as it is then; std::nullopt where it was deleted meanwhile. Blocks.
[[nodiscard]] std::optional<models::Generation> after_end(Charging& charging,
                                                          const GenerationHooks& hooks,
                                                          models::Generation generation);

}  // namespace gesso::domain
