// Images that this service keeps itself, under links that anybody can open until they expire, and
// what there is to paint them with.
#include "gesso/api/operations.hpp"
#include "gesso/images/local_blob_store.hpp"
#include "gesso/images/signed_links.hpp"

namespace gesso::api {

struct GetImage {
  std::string generation;
  std::string name;
  std::string expires = {};
  std::string signature = {};
};
GESSO_FIELDS(GetImage, (generation, "Whose image it is."), (name, "Which of its images."),
             (expires, "When the link ends, in seconds since 1970.", schema::kHasDefault),
             (signature, "That the link is ours.", schema::kHasDefault))

struct ImageModel {
  models::ModelType model_type = models::ModelType::kStableDiffusionXl;
  domain::ProviderKind provider = domain::ProviderKind::kPreview;
  schema::NonNegative credits = 1;

  static constexpr std::string_view kName = "ImageModel";
  static constexpr std::string_view kAbout = "What there is to paint with.";
};
GESSO_FIELDS(ImageModel, (model_type, "As a generation is asked for with."),
             (provider, "Who paints. `preview` is a sketch that this service draws by itself."),
             (credits, "What an image costs."))

namespace {

using LinkRefused = Problem<403, "link_refused", "The link is not good">;

constexpr std::string_view kFolder = "generations/";

Result<Content, LinkRefused, NotFound> get_image(OutgoingCall& call, const GetImage& asked) {
  const LocalImages& images = call.services.local_images;
  const NotFound not_found{.detail = "There is no such image"};
  if (images.store == nullptr) return not_found;
  const std::string name = std::string(kFolder) + asked.generation + "/" + asked.name;
  const Time now = call.services.repository_context.clock.now();
  if (!images::is_blob_name(name)) return not_found;
  if (!images.links->is_good(images.store->address(name), asked.expires, asked.signature, now)) {
    return LinkRefused{.detail = "It has expired, or was never ours: ask for the generation again"};
  }
  auto blob = images.store->get(name, {.deadline = call.deadline, .stop = call.client_gone});
  if (!blob) return not_found;
  // What is under a name does not change; others may see it who have the link.
  return Content{.type = std::move(blob->type),
                 .body = std::move(blob->bytes),
                 .headers = {{"Cache-Control", "private, max-age=3600, immutable"}}};
}

Result<Page<ImageModel>> list_models(InlineCall& call, const NoInput&) {
  Page<ImageModel> page;
  for (std::size_t i = 0; i < schema::kWireTexts<models::ModelType>.size(); ++i) {
    const auto type = static_cast<models::ModelType>(i);
    const domain::ModelEntry& entry = call.services.models->get(type);
    page.items.push_back(
        {.model_type = type, .provider = entry.provider, .credits = entry.credits});
  }
  return page;
}

constexpr Operation kOperations[] = {
    operation<list_models>({.path = "/api/v1/models",
                            .id = "listModels",
                            .tag = "Images",
                            .summary = "What there is to paint with, and what an image costs.",
                            .access = Access::kPublic}),
    operation<get_image>({.path = "/images/generations/{generation}/{name}",
                          .id = "getImage",
                          .tag = "Images",
                          .summary = "An image, by the link that a generation shows.",
                          .access = Access::kPublic,
                          .limit = LimitClass::kNone,
                          .media_type = "image/png"}),
};

}  // namespace

Operations image_operations() { return kOperations; }

void put_links(const Services& services, models::Generation& generation) {
  images::BlobStore* const store = services.generation_hooks.images;
  if (store == nullptr) return;
  const Time now = services.repository_context.clock.now();
  for (auto* addresses : {&generation.blob_urls, &generation.thumbnail_urls}) {
    for (models::Url& address : *addresses) {
      if (const auto name = store->name_at(address)) {
        address = models::Url(store->link(*name, now));
      }
    }
  }
}

}  // namespace gesso::api
