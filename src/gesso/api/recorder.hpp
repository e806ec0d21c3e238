// The link that remembers what became of each request: its line in the access log, its metrics, and
// the entry in its user's usage log.
// What is recorded is a value (`Record`), taken on whatever thread answered. Thread-safe; never
// blocks.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/api/metrics.hpp"
#include "gesso/http/request.hpp"
#include "gesso/http/response.hpp"
#include "gesso/http/server.hpp"

namespace gesso::api {

struct Services;

struct Record {
  std::chrono::steady_clock::time_point began = {};
  std::string_view method = "-";  // as http::to_string has it
  std::string path = {};
  std::string_view operation = {};  // its id; "" where there is none at the path
  std::string request_id = {};
  std::string user_id = {};  // "" where nobody logged in
  std::string address = {};
  int status = 0;
  std::chrono::microseconds duration{};
  std::optional<double> request_units = {};  // of the database, where it was measured
};

// Must not block.
using AccessLog = std::function<void(const Record&)>;

class Recorder {
  const Services& services_;

 public:
  explicit Recorder(const Services& services) : services_(services) {}

  // Once for each request, with its response.
  void finish(Record& record, const http::Response& response) const;
};

// The same for what no operation got to see: the server refused it. For
// http::ServerOptions::on_refused.
void record_refusal(Metrics& metrics, const AccessLog& log, const http::Refusal& refusal);

}  // namespace gesso::api
