#include "gesso/localdb/language/aggregate/value_order.hpp"
#include "gesso/base/meter.hpp"

#include <cmath>
#include <functional>
#include <string_view>
#include "gesso/localdb/language/metered_compare.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

std::size_t combine(std::size_t seed, std::size_t hash) noexcept {
  return seed ^ (hash + 0x9E3779B97F4A7C15U + (seed << 6) + (seed >> 2));
}

std::size_t hash_text(std::string_view text) noexcept {
  return std::hash<std::string_view>{}(text);
}

std::size_t hash_payload(Value value) {
  switch (value.type()) {
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128: {
      const double number = value.number();
      // Both zeros, and every NaN.
      if (number == 0) return 0;
      return std::isnan(number) ? 1 : std::hash<double>{}(number);
    }
    case Type::kString:
    case Type::kSymbol:
    case Type::kCode:
      return hash_text(value.as_string());
    case Type::kDocument:
    case Type::kArray: {
      std::size_t hash = 0;
      for (const bson::Element& element : value.as_document()) {
        hash = combine(hash, hash_text(element.key));
        hash = combine(hash, ValueHash{}(element.value));
      }
      return hash;
    }
    default: {
      const auto raw = value.raw();
      return hash_text({reinterpret_cast<const char*>(raw.data()), raw.size()});
    }
  }
}

}  // namespace

int compare_values(Value left, Value right) {
  if (left.is_missing() != right.is_missing()) {
    const Value other = left.is_missing() ? right : left;
    if (other.is_null()) return left.is_missing() ? -1 : 1;
  }
  return metered_compare(left, right);
}

std::size_t ValueHash::operator()(Value value) const {
  charge(Meter::kStep + value.raw().size());
  const auto order = static_cast<std::size_t>(bson::type_order(value.type()));
  if (value.is_missing() || value.raw().empty()) return order;
  return combine(order, hash_payload(value));
}

}  // namespace gesso::localdb
