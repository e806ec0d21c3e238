// What the texts of settings must look like: each returns what was expected where a text is not
// that, std::nullopt where nothing is wrong. Pure functions; only the table of settings names them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gesso::cli {

[[nodiscard]] std::optional<std::string> check_address(std::string_view text);
[[nodiscard]] std::optional<std::string> check_listen(std::string_view text);
[[nodiscard]] std::optional<std::string> check_dialect(std::string_view text);
[[nodiscard]] std::optional<std::string> check_capabilities(std::string_view text);
[[nodiscard]] std::optional<std::string> check_throughput(std::string_view text);
[[nodiscard]] std::optional<std::string> check_not_empty(std::string_view text);
[[nodiscard]] std::optional<std::string> check_strict_transport(std::string_view text);
[[nodiscard]] std::optional<std::string> check_log_level(std::string_view text);
[[nodiscard]] std::optional<std::string> check_log_format(std::string_view text);
[[nodiscard]] std::optional<std::string> check_secret_name(std::string_view text);
[[nodiscard]] std::optional<std::string> check_managed_identity(std::string_view text);
[[nodiscard]] std::optional<std::string> check_limits(std::string_view text);
[[nodiscard]] std::optional<std::string> check_jwt_secret(std::string_view text);
[[nodiscard]] std::optional<std::string> check_replicate_secrets(std::string_view text);
[[nodiscard]] std::optional<std::string> check_encryption_keys(std::string_view text);
[[nodiscard]] std::optional<std::string> check_smtp_tls(std::string_view text);
[[nodiscard]] std::optional<std::string> check_redirect_uri(std::string_view text);
[[nodiscard]] std::optional<std::string> check_plan(std::string_view text);
[[nodiscard]] std::optional<std::string> check_model(std::string_view text);
[[nodiscard]] std::optional<std::string> check_url(std::string_view text);
[[nodiscard]] std::optional<std::string> check_not_empty_url(std::string_view text);
[[nodiscard]] std::optional<std::string> check_container_url(std::string_view text);
[[nodiscard]] std::optional<std::string> check_forwarded_fields(std::string_view text);

}  // namespace gesso::cli
