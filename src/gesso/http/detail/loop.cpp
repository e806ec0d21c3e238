#include "gesso/http/detail/loop.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <ctime>
#include <vector>

#include "gesso/base/random.hpp"
#include "gesso/base/text.hpp"

namespace gesso::http::detail {

Loop::Loop(std::shared_ptr<Shared> s) : shared(std::move(s)) {
  const ServerOptions& options = shared->options;
  tick = std::clamp(std::min({options.header_timeout, options.request_timeout,
                              options.write_timeout, options.idle_timeout, options.spare_timeout}) /
                        4,
                    std::chrono::milliseconds{5}, std::chrono::milliseconds{500});
  if (shared->tls) {
    tick = std::min(tick, std::max(options.tls_poll_interval, std::chrono::milliseconds{5}));
  }
  std::array<std::uint8_t, 6> bytes{};
  SystemRandom().fill(bytes);
  id_prefix = "req_";
  id_prefix += hex(bytes);
  id_prefix += '_';
  keep_time();
}

// Every tick: the Date field, connections that are past their time, the certificate.
void Loop::keep_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> buffer{};
  date.assign(buffer.data(),
              std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));

  const auto steady_now = SteadyClock::now();
  // A check may remove its connection from the set.
  const std::vector<std::shared_ptr<ClientConnection>> all(connections.begin(), connections.end());
  for (const auto& connection : all) connection->check(steady_now);

  if (reloads_tls && steady_now >= next_reload) {
    shared->tls->reload_if_changed();
    next_reload = steady_now + shared->options.tls_poll_interval;
  }

  timer.expires_after(tick);
  timer.async_wait([this](error_code error) {
    if (!error) keep_time();
  });
}

void Loop::adopt(tcp::socket socket, Peer peer, Place place) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto transport =
      shared->tls ? shared->tls->transport(std::move(socket)) : plain_transport(std::move(socket));
  auto connection = std::make_shared<ClientConnection>(*this, std::move(transport), std::move(peer),
                                                       std::move(place));
  connections.insert(connection);
  connection->start();
}

void Loop::drain() {
  draining = true;
  // Behind the reads that are through and have not been told: what they brought is answered.
  asio::post(context, [this] { drain_all(); });
}

void Loop::drain_all() {
  const std::vector<std::shared_ptr<ClientConnection>> all(connections.begin(), connections.end());
  for (const auto& connection : all) connection->drain();
  if (connections.empty()) context.stop();
}

void Loop::remove(const std::shared_ptr<ClientConnection>& connection) {
  if (connections.erase(connection) == 0) return;
  if (draining && connections.empty()) context.stop();
}

void Loop::warn_of_overload(std::string_view what) {
  const auto now = SteadyClock::now();
  if (now < next_warning) return;
  next_warning = now + std::chrono::seconds{1};
  spdlog::warn("http: {} ({} connections, {} bytes of bodies)", what, shared->places.taken(),
               shared->outstanding_bytes.load());
}

}  // namespace gesso::http::detail
