#include "gesso/localdb/language/match/regex.hpp"
#include "gesso/base/meter.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <exception>
#include <string>

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const noexcept { pcre2_match_data_free(data); }
};
using MatchData = std::unique_ptr<pcre2_match_data, FreeMatchData>;

std::uint32_t flags_of(std::string_view options) {
  // What is matched was validated as UTF-8 when it came in.
  std::uint32_t flags = PCRE2_UTF | PCRE2_NO_UTF_CHECK;
  for (const char option : options) {
    switch (option) {
      case 'i':
        flags |= PCRE2_CASELESS;
        break;
      case 'm':
        flags |= PCRE2_MULTILINE;
        break;
      case 's':
        flags |= PCRE2_DOTALL;
        break;
      case 'x':
        flags |= PCRE2_EXTENDED;
        break;
      case 'u':
        break;
      default:
        throw CommandError(51108, std::string("invalid flag in regex options: ") + option);
    }
  }
  return flags;
}

PCRE2_SPTR text(std::string_view value) {
  // PCRE2 refuses a null pointer, even with a length of 0.
  return reinterpret_cast<PCRE2_SPTR>(value.empty() ? "" : value.data());
}

}  // namespace

void CompiledRegex::Free::operator()(pcre2_real_code_8* code) const noexcept {
  pcre2_code_free(code);
}

CompiledRegex::CompiledRegex(std::string_view pattern, std::string_view options, int invalid_code)
    : pattern_(pattern), options_(options), metered_(std::make_unique<Metered>()) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(
      pcre2_compile(text(pattern), pattern.size(), flags_of(options), &error, &offset, nullptr));
  if (!code_) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    throw CommandError(invalid_code, std::string("Regular expression is invalid: ") +
                                         reinterpret_cast<const char*>(message.data()));
  }
  // Where JIT is not to be had the interpreter does the same.
  pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
}

void* CompiledRegex::metered() const {
  const std::lock_guard lock(metered_->mutex);
  if (!metered_->code) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    metered_->code.reset(pcre2_compile(text(pattern_), pattern_.size(),
                                       flags_of(options_) | PCRE2_AUTO_CALLOUT, &error, &offset,
                                       nullptr));
    if (!metered_->code) throw CommandError(ErrorCode::kInternalError, "a pattern is too large");
    pcre2_jit_compile(metered_->code.get(), PCRE2_JIT_COMPLETE);
  }
  return metered_->code.get();
}

namespace {

struct FreeContext {
  void operator()(pcre2_match_context* context) const noexcept {
    pcre2_match_context_free(context);
  }
};
using ContextPtr = std::unique_ptr<pcre2_match_context, FreeContext>;

// What a short subject may cost before its search is begun anew in a way that can be stopped: some
// milliseconds.
constexpr std::uint32_t kQuickLimit = 100'000;
constexpr std::size_t kShortSubject = 4096;

// Counts the work of a search by the steps and by the way that the matcher goes between them.
struct Callout {
  std::size_t last_position = 0;
  std::exception_ptr stopped = {};

  // PCRE2 knows no exceptions.
  static int charge_step(pcre2_callout_block* block, void* data) noexcept {
    auto& self = *static_cast<Callout*>(data);
    const std::size_t way = block->current_position > self.last_position
                                ? block->current_position - self.last_position
                                : 0;
    self.last_position = block->current_position;
    try {
      charge(Meter::kStep + way);
    } catch (...) {
      self.stopped = std::current_exception();
      return PCRE2_ERROR_CALLOUT;
    }
    return 0;
  }
};

int match(const pcre2_code* code, std::string_view subject, std::size_t offset,
          pcre2_match_data* data, pcre2_match_context* context) {
  const auto once = [&](std::uint32_t flags) {
    return pcre2_match(code, text(subject), subject.size(), offset, PCRE2_NO_UTF_CHECK | flags,
                       data, context);
  };
  const int result = once(0);
  // The interpreter keeps its state on the heap.
  return result == PCRE2_ERROR_JIT_STACKLIMIT ? once(PCRE2_NO_JIT) : result;
}

int match_quickly(const pcre2_code* code, std::string_view subject, std::size_t offset,
                  pcre2_match_data* data) {
  static thread_local const ContextPtr context = [] {
    ContextPtr made(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(made.get(), kQuickLimit);
    return made;
  }();
  return match(code, subject, offset, data, context.get());
}

int match_metered(const pcre2_code* code, std::string_view subject, std::size_t offset,
                  pcre2_match_data* data) {
  const ContextPtr context(pcre2_match_context_create(nullptr));
  Callout callout{.last_position = offset};
  pcre2_set_callout(context.get(), Callout::charge_step, &callout);
  const int result = match(code, subject, offset, data, context.get());
  if (callout.stopped) std::rethrow_exception(callout.stopped);
  return result;
}

}  // namespace

// The number of groups that are set, 0 for no match. Most searches are short; those that are not,
// or that come to no end soon, run with callouts, so that they can be stopped.
int CompiledRegex::search(std::string_view subject, std::size_t offset, void* match_data) const {
  auto* const data = static_cast<pcre2_match_data*>(match_data);
  charge(Meter::kStep + std::min(subject.size() - offset, kShortSubject));
  int result = PCRE2_ERROR_MATCHLIMIT;
  if (subject.size() - offset <= kShortSubject || Meter::current() == nullptr) {
    result = match_quickly(code_.get(), subject, offset, data);
  }
  if (result == PCRE2_ERROR_MATCHLIMIT) {
    result = match_metered(static_cast<const pcre2_code*>(metered()), subject, offset, data);
  }
  if (result == PCRE2_ERROR_NOMATCH) return 0;
  if (result < 0) {
    throw CommandError(51156,
                       "Error occurred while executing the regular expression. Result code: " +
                           std::to_string(result));
  }
  return std::max(result, 1);  // 0: more groups than there was room for
}

bool CompiledRegex::matches(std::string_view subject) const {
  const MatchData data(pcre2_match_data_create(1, nullptr));
  return search(subject, 0, data.get()) > 0;
}

std::optional<CompiledRegex::Match> CompiledRegex::find(std::string_view subject,
                                                        std::size_t offset) const {
  const MatchData data(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  const int groups = search(subject, offset, data.get());
  if (groups == 0) return std::nullopt;
  const PCRE2_SIZE* const bounds = pcre2_get_ovector_pointer(data.get());
  // \K can make a match end before it begins; such a one is empty.
  Match match{.begin = bounds[0], .end = std::max(bounds[0], bounds[1]), .captures = {}};
  const std::uint32_t pairs = pcre2_get_ovector_count(data.get());
  for (std::uint32_t i = 1; i < pairs; ++i) {
    const bool set = i < static_cast<std::uint32_t>(groups) && bounds[2 * i] != PCRE2_UNSET;
    match.captures.push_back(
        set ? std::optional(subject.substr(bounds[2 * i], bounds[2 * i + 1] - bounds[2 * i]))
            : std::nullopt);
  }
  return match;
}

}  // namespace gesso::localdb
