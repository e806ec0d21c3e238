#include "gesso/cli/doctor_checks.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>

#include "gesso/client/url.hpp"

namespace gesso::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::chrono::minutes kShortLife{5};
constexpr std::chrono::hours kOldSecret{90 * 24};
constexpr std::chrono::hours kSoonExpired{14 * 24};
constexpr std::chrono::seconds kSkewWarn{60};
constexpr std::chrono::minutes kSkewFail{5};
constexpr std::chrono::milliseconds kSlowRead{100};
// What libmongoc 2 takes at least: MongoDB 4.2.
constexpr std::int64_t kWireFloor = 8;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// "3 days", "23 h 59 min", "59 min", "4.2 s"
std::string in_words(milliseconds duration) {
  using namespace std::chrono;
  if (duration >= 48h) return fmt::format("{} days", duration_cast<hours>(duration).count() / 24);
  const auto whole = duration_cast<minutes>(duration).count();
  if (duration >= 1h) return fmt::format("{} h {} min", whole / 60, whole % 60);
  if (duration >= 2min) return fmt::format("{} min", whole);
  return fmt::format("{:.1f} s", static_cast<double>(duration.count()) / 1000);
}

void add(std::string& list, std::string_view separator, std::string_view text) {
  if (!list.empty()) list += separator;
  list += text;
}

void warn(Check& check, std::string_view advice) {
  check.health = Health::kWarn;
  add(check.advice, "; ", advice);
}

std::string login_in_words(const mongo::DriverUri& uri, const LoginFacts& login) {
  if (uri.token_login) {
    return "by access tokens (MONGODB-OIDC), no secret: " +
           (login.credentials.empty() ? "an identity of Azure" : login.credentials);
  }
  if (uri.redacted.find(":***@") == std::string::npos) return "without a password";
  return login.from_vault ? "by the password that the vault keeps"
                          : "by the password of the connection string";
}

// A socket, or a host of this machine.
bool stays_here(std::string_view host) {
  if (host.starts_with('/') || host.starts_with("%2F") || host.starts_with("%2f")) return true;
  const auto url = client::parse_url("http://" + std::string(host));
  return url && url->is_local();
}

double in_ms(std::chrono::microseconds duration) {
  return static_cast<double>(duration.count()) / 1000;
}

struct Summary {
  double median, worst;
};
Summary summary(Latencies& latencies) {
  std::ranges::sort(latencies);
  return {in_ms(latencies[latencies.size() / 2]), in_ms(latencies.back())};
}

// "4.2.0" as {4, 2}; std::nullopt for anything else.
std::optional<std::pair<int, int>> major_minor(std::string_view version) {
  std::pair<int, int> out;
  const char* end = version.data() + version.size();
  const auto [dot, error] = std::from_chars(version.data(), end, out.first);
  if (error != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  if (std::from_chars(dot + 1, end, out.second).ec != std::errc{}) return std::nullopt;
  return out;
}

// The advice of the first row whose text the message has; the last row's is for all others.
struct Row {
  std::string_view part;
  std::string advice;
};
std::string look_up(std::string_view message, std::initializer_list<Row> table) {
  for (const Row& row : table) {
    if (contains(message, row.part)) return row.advice;
  }
  return {};
}

}  // namespace

Check judge_token(Time expires_on, Time refresh_on, Time now) {
  if (expires_on <= now) {
    return {"token", Health::kFail, "it expired at " + to_iso8601(expires_on),
            "compare this machine's clock with Azure's, in the line 'clock'"};
  }
  Check check{"token", Health::kOk,
              in_words(expires_on - now) + " left, until " + to_iso8601(expires_on) +
                  "; the next one is asked for from " + to_iso8601(refresh_on) + " on"};
  if (expires_on - now < kShortLife) {
    warn(check, "see who gives tokens so short a life; compare the line 'clock'");
  }
  return check;
}

Check judge_secret(std::string_view name, const azure::SecretVersion& about, Time now) {
  Check check{"secret", Health::kOk, fmt::format("'{}', version {}", name, about.version)};
  if (about.created != Time{}) {
    const milliseconds age = std::max(now - about.created, milliseconds{0});
    check.found += ", created " + in_words(age) + " ago, at " + to_iso8601(about.created);
    if (about.updated > about.created) check.found += ", changed at " + to_iso8601(about.updated);
    if (age > kOldSecret) {
      warn(check,
           "rotate the key, as Microsoft advises every 60 to 90 days: deploy/azure/rotate.sh");
    }
  }
  if (about.expires) {
    check.found += ", expires at " + to_iso8601(*about.expires);
    if (*about.expires - now < kSoonExpired) {
      warn(check, "Gesso does not take an expired secret: in " + in_words(*about.expires - now) +
                      " it needs a new version, or no expiry date");
    }
  }
  return check;
}

Check judge_clock(std::span<const ClockReading> readings) {
  if (readings.empty()) return {"clock", Health::kSkipped, "nobody else told the time"};
  Check check{.name = "clock", .found = "this machine's clock is"};
  std::string_view separator = " ";
  for (const ClockReading& reading : readings) {
    const milliseconds ahead = reading.ours - reading.theirs;
    const milliseconds apart = std::chrono::abs(ahead);
    check.found += fmt::format("{}{} {} {}", separator, in_words(apart),
                               ahead < 0ms ? "behind" : "ahead of", reading.whose + "'s");
    separator = ", ";
    if (apart <= kSkewWarn) continue;
    if (apart > kSkewFail) check.health = Health::kFail;
    if (check.health == Health::kOk) check.health = Health::kWarn;
    check.advice =
        "let NTP set this machine's clock (timedatectl set-ntp true), or the other's where this "
        "one is right: tokens and secrets are good from and until a time";
  }
  return check;
}

Check judge_connection(const std::string& description, const mongo::DriverUri& uri,
                       const LoginFacts& login) {
  Check check{"connection", Health::kOk,
              description + ", TLS is " + (uri.tls ? "on" : "off") + "; log-in " +
                  login_in_words(uri, login) + "; a ping and a read went well"};
  if (!uri.tls && !std::ranges::all_of(uri.hosts, stays_here)) {
    warn(check, "add tls=true to the connection string: all that is read goes in the open");
  }
  return check;
}

Check judge_latency(Latencies pings, Latencies reads) {
  const Summary ping = summary(pings);
  const Summary read = summary(reads);
  Check check{"latency", Health::kOk,
              fmt::format("ping {:.1f} ms, at worst {:.1f}; read {:.1f} ms, at worst {:.1f} "
                          "(medians of {})",
                          ping.median, ping.worst, read.median, read.worst, reads.size())};
  if (read.median >= in_ms(kSlowRead)) {
    warn(check,
         "run Gesso in the database's region; where it is, see what else loads the "
         "database");
  }
  return check;
}

Check judge_server(const ServerFacts& facts) {
  const mongo::DialectTraits traits = mongo::traits_of(facts.dialect, facts.capabilities);
  Check check{"server", Health::kOk,
              fmt::format("{} {} ({}), wire version {}", traits.name,
                          facts.version.empty() ? "of no known version" : facts.version,
                          traits.product, facts.max_wire_version)};
  if (facts.uri != nullptr) {
    const mongo::DriverUri& uri = *facts.uri;
    const bool on_ru = facts.dialect == mongo::Dialect::kCosmosRu;
    check.found += !traits.retryable_writes && on_ru
                       ? "; writes are not retried: EnableMongoRetryableWrites is not among "
                         "GESSO_COSMOS_CAPABILITIES"
                   : !uri.retry_writes && !on_ru ? "; writes are not retried (retryWrites=false)"
                   : traits.retryable_writes && facts.can_retry_writes
                       ? "; writes are retried"
                       : "; writes are not retried: the server cannot";
    if (uri.max_idle) {
      check.found += fmt::format("; connections idle for {} are closed (maxIdleTimeMS)",
                                 in_words(*uri.max_idle));
    }
  }
  const auto version = major_minor(facts.version);
  if (facts.dialect == mongo::Dialect::kCosmosRu && version && *version <= std::pair{4, 2}) {
    warn(check,
         "raise the account's server version, in the portal or by an az newer than Debian 12's "
         "(az cosmosdb update --server-version 7.0): drivers drop 4.2 and what is older");
  } else if (facts.max_wire_version < kWireFloor) {
    warn(check, "upgrade the server: current drivers want MongoDB 4.2 (wire version 8) at least");
  }
  return check;
}

Check judge_indexes(const mongo::IndexPlan& plan) {
  Check check{"indexes", Health::kOk, fmt::format("{} are as declared", plan.keep.size())};
  std::string names;
  for (const auto& one : plan.create)
    add(names, ", ", one.index.collection + "." + one.index.spec.name);
  if (!names.empty()) {
    check.found += fmt::format("; {} missing: {}", plan.create.size(), names);
    warn(check, "gesso init-db");
  } else if (!plan.create_collections.empty()) {
    for (const std::string& one : plan.create_collections) add(names, ", ", one);
    check.found += "; collections missing: " + names;
    warn(check, "gesso init-db");
  }
  names.clear();
  for (const auto& one : plan.differs) {
    add(names, ", ", one.wanted.collection + "." + one.wanted.spec.name + " (" + one.what + ")");
  }
  if (!names.empty()) {
    check.found += fmt::format("; {} stand otherwise: {}", plan.differs.size(), names);
    warn(check, "drop those that stand otherwise, then gesso init-db");
  }
  names.clear();
  for (const auto& one : plan.refused) {
    add(names, ", ", one.index.collection + "." + one.index.spec.name + ": " + one.why);
  }
  if (!names.empty()) {
    check.found += fmt::format("; {} cannot be made: {}", plan.refused.size(), names);
    warn(check, "gesso init-db --plan says what to do");
  }
  names.clear();
  for (const auto& one : plan.extra) {
    add(names, ", ", one.collection + "." + one.spec.name);
  }
  if (!names.empty()) {
    check.found += fmt::format("; {} that nothing declares: {}", plan.extra.size(), names);
  }
  return check;
}

Check judge_models(std::span<const ModelFacts> models) {
  using providers::ModelState;
  Check check{"models", Health::kOk, ""};
  if (models.empty()) {
    check.found = "previews of everything, which need none";
    return check;
  }
  std::string there;
  std::string gone;
  std::string unknown;
  std::string settings;
  for (const ModelFacts& model : models) {
    if (model.answer.state == ModelState::kThere) add(there, ", ", model.painter);
    if (model.answer.state == ModelState::kUnknown) {
      add(unknown, "; ", model.painter + ": " + model.answer.reason);
    }
    if (model.answer.state != ModelState::kGone) continue;
    add(gone, ", ", model.painter);
    add(settings, " and ", model.setting);
  }
  if (!gone.empty()) add(check.found, "; ", "no longer there: " + gone);
  if (!unknown.empty()) add(check.found, "; ", "could not be asked about: " + unknown);
  if (!there.empty()) add(check.found, "; ", "there: " + there);
  if (!gone.empty()) {
    check.health = Health::kFail;
    check.advice = "set " + settings +
                   " to a model that the provider has (docs/WORKFLOW.md, Models that are retired); "
                   "until then what is asked of it fails and is paid back";
  } else if (!unknown.empty()) {
    warn(check, "see the keys and the addresses of the providers, and try again");
  }
  return check;
}

std::string identity_advice(const Error& error) {
  const std::string_view what = error.what();
  if (contains(what, "is the clock of this machine right")) {
    return "let NTP set this machine's clock (timedatectl set-ntp true)";
  }
  switch (error.kind()) {
    case ErrorKind::kUnavailable:
    case ErrorKind::kTimeout:
    case ErrorKind::kThrottled:
      return "see what stands between this machine and that endpoint, and try again";
    default:
      break;
  }
  // A line for each that was tried: the last one failed, or none is set up.
  if (contains(what.substr(what.rfind('\n') + 1), "not set up here")) {
    return "give this app a managed identity (Identity, System assigned: On in the portal; az "
           "webapp "
           "identity assign, az vm identity assign; deploy/azure/setup.sh for a Container App), or "
           "log in (az login) on your own machine; GESSO_AZURE_CREDENTIAL names the one to use";
  }
  return "correct what this identity is set up with, or name another in GESSO_AZURE_CREDENTIAL";
}

std::string vault_advice(const Error& error, const VaultNames& names) {
  const std::string secret = " --vault-name " + names.vault + " --name " + names.secret;
  const std::string who = names.object.empty() ? "OBJECT_ID" : names.object;
  return look_up(
      error.what(),
      {{"give it the role",
        "az role assignment create --role 'Key Vault Secrets User' --assignee-principal-type "
        "ServicePrincipal --assignee-object-id " +
            who + " --scope \"$(az keyvault show --name " + names.vault +
            " --query id --output tsv)/secrets/" + names.secret +
            "\"; it takes effect within minutes"},
       {"does not let this address in", "az keyvault network-rule add --name " + names.vault +
                                            " --subnet SUBNET_ID, or --ip-address this machine's"},
       {"closed to public networks",
        "connect by the vault's private endpoint (its private DNS zone, or "
        "GESSO_AZURE_CONNECT_TO), or allow public access"},
       {"is throttling", "see who else reads this vault so often, and try again"},
       {"answers with a redirect", "see which proxy answers in the vault's place"},
       {"another tenant", "correct GESSO_KEY_VAULT_URL, or set GESSO_KEY_VAULT_TENANT"},
       {"refuses the token",
        "correct GESSO_KEY_VAULT_URL, or set GESSO_KEY_VAULT_TENANT; compare the line 'clock'"},
       {"its name was not found",
        "correct GESSO_KEY_VAULT_URL; with a private endpoint see the private DNS zone"},
       {"certificate is not trusted",
        "see who answers in the vault's place; where that is right, GESSO_AZURE_CA_FILE names the "
        "authority; compare the line 'clock'"},
       {"there is no secret",
        "az keyvault secret set" + secret + " --file FILE, or correct GESSO_MONGODB_SECRET"},
       {"was deleted", "az keyvault secret recover" + secret},
       {"is disabled", "az keyvault secret set-attributes" + secret + " --enabled true"},
       {"not valid before", "wait, or change its activation date; compare the line 'clock'"},
       {"not yet valid", "wait, or change its activation date; compare the line 'clock'"},
       {"expired", "store a new version (deploy/azure/rotate.sh), or take its expiry date away"},
       {"", error.kind() == ErrorKind::kInternal
                ? "see who answers in the vault's place"
                : "see the vault's health, and what stands between (firewall, private endpoint)"}});
}

std::string database_advice(const Error& error, std::string_view secret) {
  if (contains(error.what(), "refuses the access token")) {
    return "make the identity a user of the cluster: deploy/azure/documentdb.sh --principal "
           "OBJECT_ID ...; docs/AZURE_RBAC_SETUP.md, Without any secret";
  }
  switch (error.kind()) {
    case ErrorKind::kAuth:
      return secret.empty()
                 ? "correct user and password in GESSO_MONGODB_URI; where they are right, give the "
                   "user readWrite on the database"
                 : "store the string of a key that is valid as a new version of '" +
                       std::string(secret) + "': deploy/azure/rotate.sh --store primary";
    case ErrorKind::kValidation:
      return secret.empty() ? "correct GESSO_MONGODB_URI"
                            : "store a connection string, mongodb://..., as a new version of '" +
                                  std::string(secret) + "': deploy/azure/rotate.sh --store primary";
    case ErrorKind::kThrottled:
      return "raise the collection's request units: az cosmosdb mongodb collection throughput "
             "update --name COLLECTION --max-throughput UNITS ...; docs/OPERATIONS.md, Capacity";
    default:
      break;
  }
  return look_up(
      error.what(),
      {{"Failed to resolve",
        "correct the host in the connection string; with a private endpoint see the private DNS "
        "zone"},
       {"TLS handshake failed",
        "see whether the server speaks TLS and who signed its certificate: "
        "GESSO_MONGODB_TLS_CA_FILE names the authority"},
       {"",
        "see whether the server runs, host and port, and the firewall before it (Azure Cosmos DB: "
        "Networking); a server that wants TLS wants tls=true"}});
}

}  // namespace gesso::cli
