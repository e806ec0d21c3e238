// How `gesso doctor` looks whether images can be kept: in the folder, or in the container.
#pragma once

#include <filesystem>
#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/deadline.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/random.hpp"
#include "gesso/cli/doctor_report.hpp"
#include "gesso/cli/image_container.hpp"
#include "gesso/cli/settings.hpp"

namespace gesso::cli {

// FAIL: what there is of the path to the folder cannot be written to.
[[nodiscard]] Check judge_image_folder(const std::filesystem::path& data_dir);

// Writes a blob, opens it by a link and removes it, which is what the identity's roles are for.
// What a failure leaves is the orphan sweep's. Blocks until the deadline at most.
[[nodiscard]] Check try_container(ImageContainer& container, const Settings& settings,
                                  const Clock& clock, Random& random, Deadline deadline);

struct ContainerNames {
  std::string account;      // "paint"
  std::string container;    // "images"
  std::string object = {};  // the identity's object id, where it is known
};
// What to do where the container could not be used. A pure function.
[[nodiscard]] std::string container_advice(const Error& error, const ContainerNames& names);

}  // namespace gesso::cli
