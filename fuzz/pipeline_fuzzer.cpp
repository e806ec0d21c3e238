// Pipelines and expressions from any valid BSON: {pipeline: [...], input: [...], expression}.
#include <cstddef>
#include <cstdint>

#include "gesso/localdb/language/aggregate/expression.hpp"
#include "gesso/localdb/language/aggregate/pipeline.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace {

using gesso::bson::View;

// The documents of an array.
class Documents final : public gesso::localdb::DocumentSource {
  View::Iterator next_;

 public:
  explicit Documents(View array) : next_(array.begin()) {}
  std::optional<View> next() override {
    while (next_ != View::Iterator{}) {
      const auto value = next_->value;
      ++next_;
      if (value.is_document()) return value.as_document();
    }
    return std::nullopt;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace localdb = gesso::localdb;
  const auto input = View::validate({data, size});
  if (!input) return 0;
  const auto documents = (*input)["input"];
  const View array = documents.is_array() ? documents.as_document() : View();
  localdb::PipelineContext context;
  context.memory_limit = 1 << 20;
  context.random = [] { return 0.5; };
  context.look_up = [array](std::string_view, View) { return std::make_unique<Documents>(array); };
  try {
    localdb::ExpressionScope scope;
    const auto expression = localdb::compile_expression((*input)["expression"], scope);
    localdb::Arena arena(context.memory_limit);
    localdb::Evaluation evaluation(*input, arena, scope);
    static_cast<void>(expression->evaluate(evaluation));
  } catch (const localdb::CommandError&) {
    // What is no expression is refused; that is the contract.
  }
  const auto stages = (*input)["pipeline"];
  if (!stages.is_array()) return 0;
  try {
    const auto pipeline = localdb::Pipeline::compile(stages.as_document(), context);
    const auto output = pipeline.open(std::make_unique<Documents>(array), context);
    for (int i = 0; i < 1000 && output->next(); ++i) {
    }
  } catch (const localdb::CommandError&) {
    // As above.
  }
  return 0;
}
