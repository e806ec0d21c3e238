// Regular expressions as MongoDB has them: PCRE2 over UTF-8 with the options i, m, s, x (and u).
//
// A compiled one is immutable; `const` calls are thread-safe. Matching charges the thread's meter,
// and is bounded by PCRE2's match limit besides; what exceeds it is a CommandError (51156).
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace gesso::localdb {

class CompiledRegex {
  struct Free {
    void operator()(pcre2_real_code_8* code) const noexcept;
  };
  using Code = std::unique_ptr<pcre2_real_code_8, Free>;
  // The same pattern with a callout at every step; made when it is first wanted.
  struct Metered {
    std::mutex mutex;  // guards the one below
    Code code;
  };

  std::string pattern_;
  std::string options_;
  Code code_;
  std::unique_ptr<Metered> metered_;

 public:
  struct Match {
    std::size_t begin = 0;  // bytes
    std::size_t end = 0;
    std::vector<std::optional<std::string_view>> captures;  // borrowed from the subject
  };

  // Throws CommandError: `invalid_code` for a pattern that PCRE2 refuses, 51108 for an unknown
  // option.
  CompiledRegex(std::string_view pattern, std::string_view options, int invalid_code = 51091);

  [[nodiscard]] bool matches(std::string_view subject) const;
  // The first match that begins at byte `offset` or behind it.
  [[nodiscard]] std::optional<Match> find(std::string_view subject, std::size_t offset = 0) const;

 private:
  [[nodiscard]] int search(std::string_view subject, std::size_t offset, void* match_data) const;
  [[nodiscard]] void* metered() const;
};

}  // namespace gesso::localdb
