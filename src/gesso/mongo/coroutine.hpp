// Units of work for coroutines of Boost.Asio.
//
//   auto user = co_await run(service, Deadline::after(5s),
//                            [&](Session& session) { return find_user(session, id); });
//
// The unit runs on a worker of the service; the coroutine goes on, with the unit's result or its
// exception, on the executor it came from, which is never blocked. The unit is kept until it has
// run, whatever becomes of the coroutine: what it borrows must live as long, so let it own what
// it needs. The service must outlive the unit.
//
// Includes Asio: only for files that use coroutines.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "gesso/base/deadline.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::mongo {

namespace detail {

// Shared by the coroutine and the worker.
template <class F>
struct UnitState {
  using Result = std::invoke_result_t<F, Session&>;
  using Stored = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;

  F unit;
  std::optional<Stored> result = {};
  std::exception_ptr failure = {};

  void run(Session& session) noexcept {
    try {
      if constexpr (std::is_void_v<Result>) {
        unit(session);
        result.emplace();
      } else {
        result.emplace(unit(session));
      }
    } catch (...) {
      failure = std::current_exception();
    }
  }
};

template <class F>
boost::asio::awaitable<std::invoke_result_t<F, Session&>> await_unit(
    Service* service, Deadline deadline, std::shared_ptr<UnitState<F>> state) {
  const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      [&](auto handler) {
        // Until the handler has run, the executor counts as busy.
        auto busy = boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
        const auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
        const auto resume = [busy, waiting] {
          boost::asio::post(busy, [waiting] { std::move (*waiting)(); });
        };
        service->submit(
            deadline,
            [state, resume](Session& session) {
              state->run(session);
              resume();
            },
            [state, resume](std::exception_ptr refusal) {
              state->failure = std::move(refusal);
              resume();
            });
      },
      boost::asio::use_awaitable);
  if (state->failure) std::rethrow_exception(state->failure);
  if constexpr (!std::is_void_v<std::invoke_result_t<F, Session&>>) {
    co_return std::move(*state->result);
  }
}

}  // namespace detail

// Throws what the unit throws, and what `Service::submit` refuses with. A unit that owns something
// is named first, and copied:
//
//   const auto unit = [id](Session& session) { return find_user(session, id); };
//   auto user = co_await run(service, deadline, unit);
//
// since GCC 12 destroys twice what a lambda holds that is written inside a co_await. One that
// holds only references and plain values may be written in place.
template <class F>
[[nodiscard]] auto run(Service& service, Deadline deadline, F&& unit) {
  using Unit = std::remove_cvref_t<F>;
  static_assert(std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<Unit>,
                "name this unit before the co_await: GCC 12 would destroy its captures twice");
  // Not a coroutine itself: it must not keep a reference while it is suspended.
  auto state =
      std::make_shared<detail::UnitState<Unit>>(detail::UnitState<Unit>{std::forward<F>(unit)});
  return detail::await_unit<Unit>(&service, deadline, std::move(state));
}

}  // namespace gesso::mongo
