// A JSON document whose memory is wiped when it ends, for replies that hold secrets.
//
// Not for headers: it brings Boost.JSON. A value of one owner.
#pragma once

#include <openssl/crypto.h>

#include <boost/json/memory_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <new>
#include <optional>
#include <string_view>

namespace gesso::client {

class WipingResource final : public boost::json::memory_resource {
  // Alignments are passed over: Boost.JSON asks for none past the default, and frees keys with
  // another than it allocated them with.
  void* do_allocate(std::size_t size, std::size_t) override { return ::operator new(size); }
  void do_deallocate(void* memory, std::size_t size, std::size_t) override {
    OPENSSL_cleanse(memory, size);
    ::operator delete(memory);
  }
  [[nodiscard]] bool do_is_equal(
      const boost::json::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

class WipedJson {
  WipingResource memory_;
  std::optional<boost::json::value> root_;  // after memory_: it gives its memory back first

 public:
  explicit WipedJson(std::string_view text) {
    // RFC 8259 section 8.1: not to be sent, and may be passed over, as Azure's libraries do.
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    boost::json::error_code error;
    boost::json::value root = boost::json::parse(text, error, &memory_);
    if (!error) root_.emplace(std::move(root));
  }
  WipedJson(const WipedJson&) = delete;
  WipedJson& operator=(const WipedJson&) = delete;

  // nullptr where the text is no JSON.
  [[nodiscard]] const boost::json::value* root() const { return root_ ? &*root_ : nullptr; }
};

}  // namespace gesso::client
