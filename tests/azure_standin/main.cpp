// gesso-azure-standin: the stand-ins for Azure as a program, for tests in other languages and for
// trying Gesso by hand.
//
// Prints one line of JSON (connect_to, ca_file, vault_url, tenant, environments), then reads
// commands, an object with one member a line, and prints one line of JSON for each:
//   {"set_secret": {"name": "mongodb-connection-string", "value": "mongodb://..."}}
//   {"fault": {"server": "vault", "kind": "status", "status": 503, "count": 3}}
// README.md beside this file lists them. Ends at the end of its input.
#include <boost/json.hpp>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "gesso/testing/azure_standin.hpp"

namespace gesso::testing {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr AzureIdentity kIdentities[] = {AzureIdentity::kAppService,
                                         AzureIdentity::kArc,
                                         AzureIdentity::kImds,
                                         AzureIdentity::kClientSecret,
                                         AzureIdentity::kClientCertificate,
                                         AzureIdentity::kWorkloadIdentity};

std::string text(const json::object& from, std::string_view name) {
  return std::string(from.at(name).as_string());
}

std::string text_or(const json::object& from, std::string_view name, std::string_view otherwise) {
  const json::value* value = from.if_contains(name);
  return std::string(value != nullptr ? std::string_view(value->as_string()) : otherwise);
}

std::int64_t number_or(const json::object& from, std::string_view name, std::int64_t otherwise) {
  const json::value* value = from.if_contains(name);
  return value != nullptr ? value->to_number<std::int64_t>() : otherwise;
}

std::optional<Time> time_of(const json::object& from, std::string_view name) {
  const json::value* value = from.if_contains(name);
  if (value == nullptr) return std::nullopt;
  return Time{seconds{value->to_number<std::int64_t>()}};
}

json::object to_json(const std::map<std::string, std::string>& variables) {
  json::object out;
  for (const auto& [name, value] : variables) out[name] = value;
  return out;
}

Fault fault_of(const json::object& said) {
  const std::string kind = text_or(said, "kind", "status");
  const auto bytes = static_cast<std::size_t>(number_or(said, "bytes", 30));
  const milliseconds duration{number_or(said, "milliseconds", 100)};
  if (kind == "status") {
    RetryAfter retry_after;
    if (said.contains("retry_after")) retry_after = seconds{number_or(said, "retry_after", 0)};
    if (said.contains("retry_at")) retry_after = *time_of(said, "retry_at");
    Fault fault = Fault::with_status(static_cast<int>(number_or(said, "status", 500)), retry_after);
    if (said.contains("body")) fault.body = text(said, "body");
    return fault;
  }
  if (kind == "none") return Fault::none();
  if (kind == "redirect") return Fault::redirect(text(said, "location"));
  if (kind == "body") return Fault::with_body(text(said, "body"));
  if (kind == "delay") return Fault::delay(duration);
  if (kind == "hang") return Fault::hang();
  if (kind == "cut") return Fault::cut(bytes);
  if (kind == "reset") return Fault::reset();
  if (kind == "garbage") return Fault::garbage();
  if (kind == "oversized") return Fault::oversized(bytes);
  if (kind == "wrong_length") return Fault::wrong_length(bytes);
  if (kind == "drip") return Fault::drip(duration);
  throw std::invalid_argument("no kind of fault: " + kind);
}

class Program {
  AzureStandIn azure_;
  std::set<std::string> names_;  // of secrets
  std::map<std::string, HttpsServer*> servers_{{"vault", &azure_.vault.server()},
                                               {"entra", &azure_.entra.server()},
                                               {"imds", &azure_.imds.server()},
                                               {"app_service", &azure_.app_service.server()},
                                               {"arc", &azure_.arc.server()}};
  using Command = std::function<json::object(const json::value&)>;
  std::map<std::string, Command, std::less<>> commands_;

  HttpsServer& server(const json::value& name) {
    const auto found = servers_.find(std::string(name.as_string()));
    if (found == servers_.end()) throw std::invalid_argument("no server of that name");
    return *found->second;
  }

  static json::object done() { return {{"ok", true}}; }

  json::object set_secret(const json::object& said) {
    KeyVaultStandIn::Attributes attributes{.not_before = time_of(said, "not_before"),
                                           .expires = time_of(said, "expires")};
    names_.insert(text(said, "name"));
    return {
        {"version", azure_.vault.set_secret(text(said, "name"), text(said, "value"), attributes)}};
  }

  json::object add_user_assigned(const json::object& said) {
    const ManagedIdentity identity{.client_id = text(said, "client_id"),
                                   .object_id = text(said, "object_id"),
                                   .resource_id = text(said, "resource_id")};
    azure_.imds.add_user_assigned(identity);
    azure_.app_service.add_user_assigned(identity);
    azure_.arc.add_user_assigned(identity);
    return done();
  }

  json::object refuse_identity(const json::value& said) {
    using Refusal = KeyVaultStandIn::Refusal;
    static const std::map<std::string, Refusal, std::less<>> refusals{
        {"none", Refusal::kNone},
        {"rbac", Refusal::kByRbac},
        {"policy", Refusal::kByPolicy},
        {"firewall", Refusal::kByFirewall},
        {"connection", Refusal::kByConnection}};
    azure_.vault.refuse_identity(refusals.at(std::string(said.as_string())));
    return done();
  }

  json::object challenge(const json::value& said) {
    if (said.is_null()) {
      azure_.vault.challenge_with(std::nullopt);
    } else if (said.as_object().contains("header")) {
      azure_.vault.challenge_with(text(said.as_object(), "header"));
    } else {
      azure_.vault.challenge_with(text(said.as_object(), "authorization"),
                                  text(said.as_object(), "resource"));
    }
    return done();
  }

  json::object fault(const json::object& said) {
    HttpsServer& where = server(said.at("server"));
    if (said.contains("count")) {
      where.fail_next(static_cast<std::size_t>(number_or(said, "count", 1)), fault_of(said));
    } else {
      where.fail(fault_of(said));
    }
    return done();
  }

  json::object counts() const {
    json::object tokens, requests, reads;
    for (const char* issuer : {"entra", "imds", "app_service", "arc"}) {
      tokens[issuer] = azure_.tokens.count(issuer);
    }
    for (const auto& [name, one] : servers_) requests[name] = one->request_count();
    for (const std::string& name : names_) reads[name] = azure_.vault.reads(name);
    return {{"tokens", tokens}, {"requests", requests}, {"reads", reads}};
  }

  json::object tokens_issued() const {
    json::array all;
    for (const IssuedToken& one : azure_.tokens.issued()) {
      all.push_back({{"value", one.value},
                     {"issuer", one.issuer},
                     {"client_id", one.client_id},
                     {"resource", one.resource},
                     {"expires_on", to_iso8601(one.expires_on)}});
    }
    return {{"tokens", all}};
  }

  json::object requests(const json::value& said) {
    json::array all;
    for (const HttpsServer::Request& one : server(said).requests()) {
      json::object headers;
      for (const auto& [name, value] : one.headers) headers[name] = value;
      all.push_back({{"method", one.method},
                     {"target", one.target},
                     {"headers", headers},
                     {"body", one.body},
                     {"answered", one.answered}});
    }
    return {{"requests", all}};
  }

  json::object environment(const json::value& said) {
    for (const AzureIdentity one : kIdentities) {
      if (to_string(one) == said.as_string()) return to_json(azure_.environment(one));
    }
    throw std::invalid_argument("no identity of that name");
  }

 public:
  Program() {
    commands_["set_secret"] = [this](const json::value& v) { return set_secret(v.as_object()); };
    commands_["add_user_assigned"] = [this](const json::value& v) {
      return add_user_assigned(v.as_object());
    };
    commands_["disable"] = [this](const json::value& v) {
      azure_.vault.disable(text(v.as_object(), "name"), text_or(v.as_object(), "version", ""));
      return done();
    };
    commands_["enable"] = [this](const json::value& v) {
      azure_.vault.enable(text(v.as_object(), "name"), text_or(v.as_object(), "version", ""));
      return done();
    };
    commands_["remove"] = [this](const json::value& v) {
      azure_.vault.remove(text(v.as_object(), "name"));
      return done();
    };
    commands_["recover"] = [this](const json::value& v) {
      azure_.vault.recover(text(v.as_object(), "name"));
      return done();
    };
    commands_["refuse_identity"] = [this](const json::value& v) { return refuse_identity(v); };
    commands_["refuse_tokens"] = [this](const json::value& v) {
      azure_.vault.refuse_tokens(v.as_bool());
      return done();
    };
    commands_["challenge"] = [this](const json::value& v) { return challenge(v); };
    commands_["token_life"] = [this](const json::value& v) {
      azure_.tokens.set_life(seconds{v.to_number<std::int64_t>()});
      return done();
    };
    commands_["revoke_tokens"] = [this](const json::value&) {
      azure_.tokens.revoke_all();
      return done();
    };
    commands_["rotate_identity_header"] = [this](const json::value&) {
      azure_.app_service.rotate_identity_header();
      return to_json(azure_.app_service.environment());
    };
    commands_["write_federated_token"] = [this](const json::value& v) {
      const seconds life{number_or(v.as_object(), "life", 3600)};
      azure_.entra.write_federated_token(azure_.entra.federated_token({}, life));
      return done();
    };
    commands_["fault"] = [this](const json::value& v) { return fault(v.as_object()); };
    commands_["heal"] = [this](const json::value& v) { return server(v).heal(), done(); };
    commands_["down"] = [this](const json::value& v) { return server(v).down(), done(); };
    commands_["up"] = [this](const json::value& v) { return server(v).up(), done(); };
    commands_["release"] = [this](const json::value& v) { return server(v).release(), done(); };
    commands_["counts"] = [this](const json::value&) { return counts(); };
    commands_["tokens_issued"] = [this](const json::value&) { return tokens_issued(); };
    commands_["requests"] = [this](const json::value& v) { return requests(v); };
    commands_["environment"] = [this](const json::value& v) { return environment(v); };
  }

  json::object greeting() {
    json::object environments;
    for (const AzureIdentity one : kIdentities) {
      environments[to_string(one)] = to_json(azure_.environment(one));
    }
    return {{"connect_to", azure_.connect_to()},
            {"ca_file", azure_.ca_file()},
            {"vault_url", azure_.vault.url()},
            {"tenant", azure_.tenant()},
            {"arc_folder", azure_.arc.folder().string()},
            {"environments", environments}};
  }

  json::object obey(const std::string& line) {
    try {
      const json::value command = json::parse(line);
      if (command.as_object().size() != 1) {
        throw std::invalid_argument("a command is an object with one member");
      }
      const auto& [name, argument] = *command.as_object().begin();
      const auto found = commands_.find(name);
      if (found == commands_.end()) throw std::invalid_argument("no command of that name");
      return found->second(argument);
    } catch (const std::exception& error) {
      return {{"error", error.what()}};
    }
  }
};

}  // namespace
}  // namespace gesso::testing

int main() {
  gesso::testing::Program program;
  std::cout << boost::json::serialize(program.greeting()) << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << boost::json::serialize(program.obey(line)) << std::endl;
  }
  return 0;
}
