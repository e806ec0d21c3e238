#include "gesso/cli/doctor_images.hpp"

#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>

#include "gesso/azure/token_claims.hpp"
#include "gesso/base/text.hpp"
#include "gesso/cli/doctor_checks.hpp"
#include "gesso/domain/generation_images.hpp"

namespace gesso::cli {
namespace {

constexpr std::chrono::seconds kTimeToRemove{2};
constexpr std::string_view kProbe = "Written by gesso doctor, to be removed.";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Of no generation: where it stays, the sweep finds that it is nobody's.
std::string probe_name(Random& random) {
  std::array<std::uint8_t, 8> bytes{};
  random.fill(bytes);
  return std::string(domain::kImagesFolder) + "doctor-" + hex(bytes) + "/probe.txt";
}

// Throws Error. REQUIRES: the blob is there.
void open_by_link(ImageContainer& container, const std::string& name, const Clock& clock,
                  const client::Call& call) {
  container.store().prepare_links(call);
  const client::HttpRequest request{.method = "GET",
                                    .url = container.store().link(name, clock.now())};
  const client::HttpResponse reply = container.client().send(request, call);
  if (reply.status == 200 && reply.body.reveal() == kProbe) return;
  throw Error(ErrorKind::kAuth,
              "a link to a blob is answered with " + std::to_string(reply.status));
}

std::string role(std::string_view name, const std::string& scope, const ContainerNames& names) {
  const std::string who = names.object.empty() ? "OBJECT_ID" : names.object;
  return "az role assignment create --role '" + std::string(name) +
         "' --assignee-principal-type ServicePrincipal --assignee-object-id " + who +
         " --scope \"$(az storage account show --name " + names.account +
         " --query id --output tsv)" + scope + "\"; it takes effect within minutes";
}

}  // namespace

Check judge_image_folder(const std::filesystem::path& data_dir) {
  const std::filesystem::path folder = data_dir / "images";
  std::filesystem::path there = folder;
  std::error_code ignored;
  while (!std::filesystem::exists(there, ignored) && there.has_relative_path()) {
    there = there.parent_path();
  }
  if (::access(there.c_str(), W_OK | X_OK) == 0) {
    return {"images", Health::kOk, "they are kept in " + folder.string()};
  }
  return {"images", Health::kFail, "nothing can be written to " + there.string(),
          "see the folder's owner and rights, and the disk"};
}

// With a time of its own, so that what failed before is what is told.
void remove_probe(ImageContainer& container, const std::string& name, bool has_failed) {
  try {
    container.store().remove(name, {.deadline = Deadline::after(kTimeToRemove)});
  } catch (const Error&) {
    if (!has_failed) throw;
  }
}

Check try_container(ImageContainer& container, const Settings& settings, const Clock& clock,
                    Random& random, Deadline deadline) {
  const auto url = azure::read_container_url(settings.image_container_url).value();
  ContainerNames names{.account = url.account, .container = url.container};
  const client::Call call{.deadline = deadline};
  try {
    const azure::AccessToken token =
        container.tokens().token({.resource = std::string(azure::kStorageResource),
                                  .tenant = settings.image_container_tenant},
                                 call);
    names.object = azure::token_object(token.value);
  } catch (const Error& error) {
    return {"images", Health::kFail, error.what(), identity_advice(error)};
  }
  const std::string name = probe_name(random);
  try {
    const auto begin = clock.steady_now();
    (void)container.store().put(name, {.bytes = std::string(kProbe), .type = "text/plain"}, call);
    std::optional<Error> failure;
    try {
      open_by_link(container, name, clock, call);
    } catch (const Error& error) {
      failure = error;
    }
    remove_probe(container, name, failure.has_value());
    if (failure) throw *failure;
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady_now() - begin);
    return {
        "images", Health::kOk,
        url.text + " took, showed and removed a blob in " + std::to_string(took.count()) + " ms"};
  } catch (const Error& error) {
    return {"images", Health::kFail, error.what(), container_advice(error, names)};
  }
}

std::string container_advice(const Error& error, const ContainerNames& names) {
  const std::string_view what = error.what();
  if (contains(what, "giving a key for links")) {
    return role("Storage Blob Delegator", "", names);
  }
  if (contains(what, "AuthorizationPermissionMismatch")) {
    return role("Storage Blob Data Contributor",
                "/blobServices/default/containers/" + names.container, names);
  }
  if (contains(what, "AuthorizationFailure")) {
    return "let this address in: az storage account network-rule add --account-name " +
           names.account + " --subnet SUBNET_ID, or --ip-address this machine's";
  }
  if (contains(what, "ContainerNotFound")) {
    return "az storage container create --auth-mode login --account-name " + names.account +
           " --name " + names.container + ", or correct GESSO_IMAGE_CONTAINER_URL";
  }
  if (contains(what, "its name was not found")) {
    return "correct GESSO_IMAGE_CONTAINER_URL; with a private endpoint see the private DNS zone";
  }
  if (contains(what, "certificate is not trusted")) {
    return "see who answers in the account's place; where that is right, GESSO_AZURE_CA_FILE names "
           "the authority; compare the line 'clock'";
  }
  if (error.kind() == ErrorKind::kAuth) {
    return "set GESSO_IMAGE_CONTAINER_TENANT where the account is another tenant's; compare the "
           "line 'clock'";
  }
  return "see the account's health, and what stands between (firewall, private endpoint)";
}

}  // namespace gesso::cli
