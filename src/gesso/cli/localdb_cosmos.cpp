#include "gesso/cli/localdb_cosmos.hpp"

#include <charconv>

namespace gesso::cli {
namespace {

// What new accounts get; drivers of today want more than 4.2 offers (PyMongo 4.20: wire version 9).
constexpr std::string_view kCurrentVersion = "7.0";

[[noreturn]] void unexpected(std::string_view flag, std::string_view expected,
                             std::string_view found) {
  throw Failure(ExitCode::kUsage, std::string(flag) + ": expected " + std::string(expected) +
                                      ", found \"" + std::string(found) + "\"");
}

std::int64_t number(const Invocation& invocation, std::string_view flag, std::int64_t least,
                    std::int64_t most, std::int64_t otherwise) {
  const std::string_view text = invocation.option(flag);
  if (text.empty()) return otherwise;
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    unexpected(flag, "a number from " + std::to_string(least) + " to " + std::to_string(most),
               text);
  }
  return value;
}

localdb::ThrottleText throttle_text(std::string_view text) {
  if (text.empty() || text == "plain") return localdb::ThrottleText::kPlain;
  if (text == "pretty") return localdb::ThrottleText::kPretty;
  if (text == "bare") return localdb::ThrottleText::kBare;
  unexpected("--throttle-text", "plain, pretty or bare", text);
}

// Options of a dialect that is not asked for would be read over in silence.
void refuse_options(const Invocation& invocation) {
  for (const Option& option : kCosmosOptions) {
    if (option.flag != "--dialect" && invocation.has(option.flag)) {
      throw Failure(ExitCode::kUsage, std::string(option.flag) + " needs --dialect cosmos-ru");
    }
  }
}

}  // namespace

std::optional<localdb::CosmosOptions> cosmos_options(const Invocation& invocation) {
  const std::string_view dialect = invocation.option("--dialect");
  if (dialect == "localdb" || dialect == "documentdb") {
    refuse_options(invocation);
    return std::nullopt;
  }
  if (dialect != "cosmos-ru") unexpected("--dialect", "localdb, cosmos-ru or documentdb", dialect);
  localdb::CosmosOptions options{
      .ru = number(invocation, "--ru", 1, 100'000'000, 400),
      .autoscale = invocation.has("--autoscale"),
      .burst = invocation.has("--burst"),
      .ssr = invocation.has("--ssr"),
      .partitions = static_cast<int>(number(invocation, "--partitions", 1, 10'000, 0)),
      .host = std::string(invocation.option("--advertise")),
      .hello = !invocation.has("--no-hello"),
      .strong = invocation.has("--strong"),
      .continuous_backup = invocation.has("--continuous-backup"),
      .throttle_text = throttle_text(invocation.option("--throttle-text"))};
  options.server_version =
      invocation.has("--server-version") ? invocation.option("--server-version") : kCurrentVersion;
  if (invocation.has("--region")) options.region = invocation.option("--region");
  for (const std::string_view name : parts_of(invocation.option("--capability"))) {
    options.capabilities.emplace(name);
  }
  for (const std::string_view pair : parts_of(invocation.option("--sharded"))) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size()) {
      unexpected("--sharded", "COLLECTION=KEY", pair);
    }
    options.sharded.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return options;
}

}  // namespace gesso::cli
