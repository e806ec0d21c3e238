// How `gesso doctor` judges what it found, and what it advises. Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/azure/secret_provider.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/cli/doctor_report.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/uri.hpp"
#include "gesso/providers/provider.hpp"

namespace gesso::cli {

// warn: less than five minutes are left.
[[nodiscard]] Check judge_token(Time expires_on, Time refresh_on, Time now);

// warn: created more than 90 days ago (Microsoft advises to rotate every 60 to 90), or expires
// within 14 days.
[[nodiscard]] Check judge_secret(std::string_view name, const azure::SecretVersion& about,
                                 Time now);

// What somebody else's clock said, and ours at that moment.
struct ClockReading {
  std::string whose;  // "Azure", "the database"
  Time theirs;
  Time ours;
};
// warn: more than a minute apart; FAIL: more than five, since tokens and secrets have times.
[[nodiscard]] Check judge_clock(std::span<const ClockReading> readings);

// How connections log in.
struct LoginFacts {
  std::string credentials = {};  // that give access tokens, where the server takes those
  bool from_vault = false;       // the connection string came from there
};
// Of a connection that works. warn: it is not encrypted and leaves this machine.
[[nodiscard]] Check judge_connection(const std::string& description, const mongo::DriverUri& uri,
                                     const LoginFacts& login = {});

using Latencies = std::vector<std::chrono::microseconds>;
// warn: a read takes 100 ms or more. Neither may be empty.
[[nodiscard]] Check judge_latency(Latencies pings, Latencies reads);

struct ServerFacts {
  mongo::Dialect dialect = mongo::Dialect::kMongoDb;
  std::string version = {};           // empty: it did not say
  std::int64_t max_wire_version = 0;  // 0: it did not say
  bool can_retry_writes = false;      // by its hello
  mongo::AccountCapabilities capabilities = {};
  const mongo::DriverUri* uri = nullptr;  // none: the embedded engine
};
// warn: older than drivers take, or (Azure Cosmos DB 4.2 and below) about to be.
[[nodiscard]] Check judge_server(const ServerFacts& facts);

// warn: an index is missing, or stands otherwise than declared.
[[nodiscard]] Check judge_indexes(const mongo::IndexPlan& plan);

// What a provider says of the model that a setting names.
struct ModelFacts {
  std::string setting;  // "GESSO_MODEL_DALLE_3"
  std::string painter;  // "openai gpt-image-2"
  providers::ModelAnswer answer;
};
// FAIL: a provider no longer has one, and each generation by it fails. warn: one could not be
// asked.
[[nodiscard]] Check judge_models(std::span<const ModelFacts> models);

// What to do where no identity gave a token.
[[nodiscard]] std::string identity_advice(const Error& error);

struct VaultNames {
  std::string vault;        // "myvault"
  std::string secret;       // "mongodb-connection-string"
  std::string object = {};  // the identity's object id, where it is known
};
// What to do where the vault or the secret could not be read.
[[nodiscard]] std::string vault_advice(const Error& error, const VaultNames& names);

// What to do where the database could not be used. `secret`: the connection string's in the vault,
// empty where there is none.
[[nodiscard]] std::string database_advice(const Error& error, std::string_view secret);

}  // namespace gesso::cli
