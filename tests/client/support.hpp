// What the tests of clients share.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "gesso/base/error.hpp"
#include "gesso/client/retry.hpp"

namespace gesso::client {

// Attempts as ever, without the waits.
inline constexpr RetryFsm::Options kAtOnce{.wait_min = std::chrono::milliseconds{0},
                                           .wait_max = std::chrono::milliseconds{0}};

// The Error that a call throws; the test fails where it throws none.
inline Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an Error";
  return {ErrorKind::kInternal, "none was thrown"};
}

}  // namespace gesso::client
