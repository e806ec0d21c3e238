// What we make of the bytes of Stripe's and Replicate's webhooks, on the command line: for
// stripe_test.py and replicate_test.py beside this, which ask the providers' own libraries about
// the same.
//
//   gesso-stripe-check sign SECRET... < body        the header, by this machine's clock
//   gesso-stripe-check verify HEADER SECRET... < body   "good", "wrong", ...
//   gesso-stripe-check parse < body                 the facts as JSON, or "malformed: why"
//   gesso-stripe-check form NAME                    the form of a call, as it is sent
//   gesso-stripe-check replicate-sign ID TIME SECRET... < body
//   gesso-stripe-check replicate-verify ID TIME SIGNATURE SECRET... < body
//   gesso-stripe-check replicate-parse < body       what of a prediction is read, by lines
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/domain/replicate_event.hpp"
#include "gesso/domain/replicate_signature.hpp"
#include "gesso/domain/stripe_calls.hpp"
#include "gesso/domain/stripe_event.hpp"
#include "gesso/domain/stripe_signature.hpp"
#include "gesso/schema/codec.hpp"

namespace {

using namespace gesso;

std::string input() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

std::vector<Secret> secrets(const std::vector<std::string>& arguments, std::size_t from) {
  std::vector<Secret> made;
  for (std::size_t i = from; i < arguments.size(); ++i) {
    made.emplace_back(std::string_view(arguments[i]));
  }
  return made;
}

// Returns false where it is none of these.
bool run_replicate(const std::vector<std::string>& arguments) {
  const std::string& command = arguments[0];
  if (command == "replicate-sign" && arguments.size() > 2) {
    std::cout << domain::sign_as_replicate(arguments[1], arguments[2], input(),
                                           secrets(arguments, 3));
  } else if (command == "replicate-verify" && arguments.size() > 3) {
    std::cout << to_string(domain::verify_replicate_signature(
        {.id = arguments[1], .timestamp = arguments[2], .signature = arguments[3]}, input(),
        secrets(arguments, 4), SystemClock().now()));
  } else if (command == "replicate-parse") {
    const auto parsed = domain::parse_prediction(input());
    if (const auto* malformed = std::get_if<domain::MalformedEvent>(&parsed)) {
      std::cout << "malformed: " << malformed->why;
    } else {
      const auto& prediction = std::get<domain::Prediction>(parsed);
      std::cout << prediction.id.str() << '\n'
                << (prediction.status ? schema::to_string(*prediction.status) : "unknown") << '\n'
                << (prediction.generation_id ? prediction.generation_id->str() : "") << '\n';
      for (const auto& url : prediction.output) std::cout << url.str() << '\n';
    }
  } else {
    return false;
  }
  return true;
}

int run(const std::vector<std::string>& arguments) {
  const std::string command = arguments.empty() ? "" : arguments[0];
  const Time now = SystemClock().now();
  if (command == "sign") {
    std::cout << domain::sign_as_stripe(input(), secrets(arguments, 1), now);
  } else if (command == "verify" && arguments.size() > 1) {
    std::cout << to_string(
        domain::verify_stripe_signature(arguments[1], input(), secrets(arguments, 2), now));
  } else if (command == "parse") {
    const auto parsed = domain::parse_stripe_event(input());
    if (const auto* malformed = std::get_if<domain::MalformedEvent>(&parsed)) {
      std::cout << "malformed: " << malformed->why;
    } else {
      std::cout << schema::to_json(std::get<models::StripeEvent>(parsed));
    }
  } else if (command == "form" && arguments.size() > 1) {
    const std::string& name = arguments[1];
    if (name == "checkout") {
      std::cout << domain::create_checkout_session({.user_id = "user_ada",
                                                    .customer_id = "cus_1",
                                                    .price_id = "price_pro",
                                                    .success_url = "https://a.example/ok?s={S}",
                                                    .cancel_url = "https://a.example/no"},
                                                   "k")
                       .body();
    } else if (name == "portal") {
      std::cout << domain::create_portal_session("cus_1", models::ForeignId("sub_1"),
                                                 domain::PortalFlow::kCancel,
                                                 "https://a.example/plan", "k")
                       .body();
    } else if (name == "change") {
      std::cout << domain::change_price("sub_1", "si_1", "price_pro", "k").body();
    } else if (name == "cancel") {
      std::cout << domain::set_cancel_at_period_end("sub_1", true, "k").body();
    } else if (name == "customer") {
      std::cout << domain::create_customer("user_ada", "ada+x@example.com").body();
    } else {
      return 2;
    }
  } else {
    return !arguments.empty() && run_replicate(arguments) ? 0 : 2;
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) { return run({arguments + 1, arguments + count}); }
