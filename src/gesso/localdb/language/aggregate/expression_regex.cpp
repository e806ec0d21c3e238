// $regexMatch, $regexFind and $regexFindAll.
#include <array>
#include <optional>

#include "gesso/base/meter.hpp"
#include "gesso/base/text.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/regex.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

constexpr int kInvalidPattern = 51111;

enum class Wanted { kWhether, kFirst, kAll };

constexpr std::array kArguments = {NamedArgument{"input", true},
                                   NamedArgument{"regex", true, 31023},
                                   NamedArgument{"options", false}};

class RegexExpression final : public Expression {
  std::string name_;
  Wanted wanted_;
  ExpressionPtr input_, pattern_, options_;  // the last may be null
  std::optional<CompiledRegex> constant_;

 public:
  RegexExpression(std::string_view name, Wanted wanted, Value spec, ExpressionScope& scope)
      : name_(name), wanted_(wanted) {
    const NamedEntry shape{name, kArguments, nullptr, 51103, 31024, 31022};
    const std::vector<Value> parts = named_specs(shape, spec);
    input_ = compile_expression(parts[0], scope);
    pattern_ = compile_expression(parts[1], scope);
    if (!parts[2].is_missing()) options_ = compile_expression(parts[2], scope);
    const Value* const pattern = pattern_->constant();
    const Value* const options = options_ ? options_->constant() : nullptr;
    if (pattern != nullptr && (!options_ || options != nullptr) && scope.is_reachable()) {
      constant_ = compile(*pattern, options == nullptr ? Value{} : *options);
    }
  }

  Value evaluate(Evaluation& evaluation) const override {
    const Value input = input_->evaluate(evaluation);
    if (!is_nullish(input) && !input.is_string()) {
      throw CommandError(51104, name_ + " needs 'input' to be of type string");
    }
    if (constant_) return search(evaluation, input, *constant_);
    const Value pattern = pattern_->evaluate(evaluation);
    const Value options = options_ ? options_->evaluate(evaluation) : Value{};
    const auto regex = compile(pattern, options);
    return regex ? search(evaluation, input, *regex) : nothing(evaluation);
  }

 private:
  // std::nullopt for a null pattern; the options are looked at all the same.
  std::optional<CompiledRegex> compile(Value pattern, Value options) const {
    if (!is_nullish(pattern) && !pattern.is_string() && !pattern.is(Type::kRegex)) {
      throw CommandError(51105, name_ + " needs 'regex' to be of type string or regex");
    }
    if (!is_nullish(options) && !options.is_string()) {
      throw CommandError(51106, name_ + " needs 'options' to be of type string");
    }
    const bool is_regex = pattern.is(Type::kRegex);
    std::string_view flags = is_nullish(options) ? "" : options.as_string();
    if (is_regex && !pattern.as_regex().options.empty()) {
      if (!is_nullish(options)) {
        throw CommandError(51107, name_ +
                                      ": found regex option(s) specified in both 'regex' and "
                                      "'option' fields");
      }
      flags = pattern.as_regex().options;
    }
    if (flags.find('\0') != std::string_view::npos) {
      throw CommandError(51110, name_ + ": regular expression options cannot contain a null byte");
    }
    if (is_nullish(pattern)) return std::nullopt;
    const std::string_view text = is_regex ? pattern.as_regex().pattern : pattern.as_string();
    if (text.find('\0') != std::string_view::npos) {
      throw CommandError(51109, name_ + ": regular expression cannot contain a null byte");
    }
    return CompiledRegex(text, flags, kInvalidPattern);
  }

  Value nothing(Evaluation& evaluation) const {
    switch (wanted_) {
      case Wanted::kWhether:
        return Arena::boolean(false);
      case Wanted::kFirst:
        return Arena::null();
      case Wanted::kAll:
        break;
    }
    return evaluation.arena.array(Arguments{});
  }

  Value search(Evaluation& evaluation, Value input, const CompiledRegex& regex) const {
    if (is_nullish(input)) return nothing(evaluation);
    const std::string_view text = input.as_string();
    if (wanted_ == Wanted::kWhether) return Arena::boolean(regex.matches(text));
    bson::Builder found;
    std::size_t offset = 0;
    Position position;
    // There is no match behind the last character, but one in a text that has none.
    do {
      const auto match = regex.find(text, offset);
      if (!match) break;
      position.advance(text, match->begin);
      charge(Meter::kStep);
      const bson::Document described = describe(text, *match, position.code_points);
      if (wanted_ == Wanted::kFirst) return evaluation.arena.document(described);
      found.push(described);
      // An empty match would be found again for ever.
      offset = match->end > match->begin
                   ? match->end
                   : match->end + byte_of_code_point(text.substr(match->end), 1);
    } while (offset < text.size());
    if (wanted_ == Wanted::kFirst) return Arena::null();
    return evaluation.arena.array(std::move(found));
  }

  // A place in the text by bytes and by code points; goes forward only.
  struct Position {
    std::size_t bytes = 0;
    std::size_t code_points = 0;

    void advance(std::string_view text, std::size_t to) {
      if (to < bytes) *this = {};  // \K and lookbehind can find a match behind the last one
      code_points += count_code_points(text.substr(bytes, to - bytes));
      bytes = to;
    }
  };

  static bson::Document describe(std::string_view text, const CompiledRegex::Match& match,
                                 std::size_t code_point) {
    bson::Builder builder;
    builder.append("match", text.substr(match.begin, match.end - match.begin));
    builder.append("idx", static_cast<std::int32_t>(code_point));
    builder.open_array("captures");
    for (const auto& capture : match.captures) {
      if (capture) {
        builder.push(*capture);
      } else {
        builder.push(bson::Null{});
      }
    }
    builder.close();
    return builder.finish();
  }
};

template <Wanted kWanted>
ExpressionPtr compile_regex(std::string_view name, Value spec, ExpressionScope& scope) {
  return std::make_unique<RegexExpression>(name, kWanted, spec, scope);
}

constexpr std::array kSpecials = {
    SpecialEntry{"$regexMatch", compile_regex<Wanted::kWhether>},
    SpecialEntry{"$regexFind", compile_regex<Wanted::kFirst>},
    SpecialEntry{"$regexFindAll", compile_regex<Wanted::kAll>},
};

}  // namespace

std::span<const SpecialEntry> regex_specials() { return kSpecials; }

}  // namespace gesso::localdb
