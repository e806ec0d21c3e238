// AzureBlobStore as a program, for the suite beside it: says what it did with each line it is
// given.
//
//   gesso-blob-probe CONTAINER_URL CA_FILE    with the token in GESSO_TEST_TOKEN
//   make | put NAME TYPE FILE | copy NAME URL | get NAME FILE | remove NAME | list PREFIX AFTER
//   LIMIT
//   ("-" for nothing) | prepare | link NAME | address NAME
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "gesso/azure/blob_store.hpp"
#include "gesso/base/error.hpp"
#include "gesso/client/curl_client.hpp"

namespace {

using namespace gesso;

class FixedToken final : public azure::TokenProvider {
  std::string token_;

 public:
  explicit FixedToken(std::string token) : token_(std::move(token)) {}
  azure::AccessToken token(const azure::TokenRequest& request, const client::Call&) override {
    if (request.resource != azure::kStorageResource) {
      throw Error(ErrorKind::kAuth, "a token for " + request.resource + " was asked for");
    }
    const Time end = SystemClock().now() + std::chrono::hours(1);
    return {.value = Secret(std::string_view(token_)), .expires_on = end, .refresh_on = end};
  }
  [[nodiscard]] std::string name() const override { return "fixed"; }
};

std::string text_or_none(const std::string& word) { return word == "-" ? "" : word; }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

std::string say(images::PutOutcome outcome) {
  return outcome == images::PutOutcome::kCreated ? "created" : "there";
}

std::string perform(azure::AzureBlobStore& store, std::istringstream& words) {
  const client::Call call{.deadline = Deadline::after(std::chrono::seconds(20))};
  std::string command;
  std::string name;
  std::string second;
  std::string third;
  words >> command >> name >> second >> third;
  if (command == "make") {
    store.make_container(call);
    return "made";
  }
  if (command == "put") {
    return say(store.put(name, {.bytes = read_file(third), .type = second}, call));
  }
  if (command == "copy") return say(store.copy(name, second, call));
  if (command == "get") {
    const auto blob = store.get(name, call);
    if (!blob) return "none";
    std::ofstream(second, std::ios::binary) << blob->bytes;
    return blob->type;
  }
  if (command == "remove") {
    store.remove(name, call);
    return "removed";
  }
  if (command == "list") {
    std::string found;
    for (const auto& blob :
         store.list(text_or_none(name), text_or_none(second), std::stoul(third), call)) {
      found += blob.name + ":" + std::to_string(blob.size) + " ";
    }
    return found;
  }
  if (command == "prepare") {
    store.prepare_links(call);
    return "prepared";
  }
  if (command == "link") return store.link(name, SystemClock().now());
  if (command == "address") return store.address(name);
  return "unknown command";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const SystemClock clock;
  SystemRandom random;
  const auto url = azure::read_container_url(argv[1]);
  if (!url) return 2;
  const char* const given = std::getenv("GESSO_TEST_TOKEN");
  FixedToken tokens(given != nullptr ? given : "");
  const auto client = client::make_curl_client({.allowed = {{url->origin}}, .ca_file = argv[2]});
  azure::AzureBlobStore store({.container_url = argv[1]}, *client, tokens, clock, random);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    try {
      std::cout << perform(store, words) << std::endl;
    } catch (const Error& error) {
      std::cout << "error " << to_string(error.kind())
                << (error.retryable() ? " again " : " final ") << error.what() << std::endl;
    }
  }
}
