// The HTTP API as a whole: every operation behind its route, within the chain.
//
// Const after construction, hence thread-safe; `answer` never blocks. Borrows the services, which
// must outlive the requests.
#pragma once

#include "gesso/api/chain.hpp"
#include "gesso/api/services.hpp"
#include "gesso/http/router.hpp"

namespace gesso::api {

class Application {
  const Services& services_;
  Chain chain_;
  http::Router router_;

 public:
  explicit Application(const Services& services);
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // Answers now or later, from any thread.
  void answer(http::Request request, http::Responder respond) const;
};

}  // namespace gesso::api
