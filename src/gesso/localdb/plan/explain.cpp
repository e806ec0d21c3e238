#include "gesso/localdb/plan/explain.hpp"
#include "gesso/localdb/index/spec.hpp"

#include "gesso/bson/builder.hpp"
#include "gesso/bson/shell_text.hpp"
#include "gesso/localdb/language/match/matcher.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;

// Where the values of a type begin and end; of all values for a missing one.
std::pair<std::string, std::string> ends_of(Type type) {
  switch (type) {
    case Type::kMissing:
      return {"MinKey", "MaxKey"};
    case Type::kString:
    case Type::kSymbol:
      return {"\"\"", "{}"};
    case Type::kDate:
      return {"new Date(-9223372036854775808)", "new Date(9223372036854775807)"};
    case Type::kBool:
      return {"false", "true"};
    case Type::kObjectId:
      return {"ObjectId('000000000000000000000000')", "ObjectId('ffffffffffffffffffffffff')"};
    case Type::kTimestamp:
      return {"Timestamp(0, 0)", "Timestamp(4294967295, 4294967295)"};
    case Type::kDocument:
      return {"{}", "[]"};
    case Type::kBinary:
      return {"BinData(0, )", "BinData(255, )"};
    default:
      return {"-inf.0", "inf.0"};
  }
}

class StageTree {
  const Plan& plan_;
  const ExecutionStats* stats_;

 public:
  StageTree(const Plan& plan, const ExecutionStats* stats) : plan_(plan), stats_(stats) {}

  // Inside out: each stage wraps the one that it reads from.
  [[nodiscard]] bson::Document build() const {
    if (plan_.is_id_lookup) return id_lookup();
    bson::Document tree = source();
    const bool blocking_sort = !plan_.sort.empty();
    if (blocking_sort) tree = sort(tree);
    if (plan_.skip != 0) {
      bson::Builder out = stage("SKIP");
      out.append("skipAmount", static_cast<std::int64_t>(plan_.skip)).append("inputStage", tree);
      tree = out.finish();
    }
    if (plan_.limit != 0 && (!blocking_sort || plan_.skip != 0)) {
      bson::Builder out = stage("LIMIT");
      out.append("limitAmount", static_cast<std::int64_t>(plan_.limit)).append("inputStage", tree);
      tree = out.finish();
    }
    return tree;
  }

 private:
  [[nodiscard]] bson::Builder stage(std::string_view name) const {
    bson::Builder out;
    out.append("stage", name);
    if (stats_ != nullptr) out.append("nReturned", static_cast<std::int32_t>(stats_->returned));
    return out;
  }

  [[nodiscard]] bson::Document sort(const bson::Document& input) const {
    bson::Builder out = stage("SORT");
    out.append("sortPattern", plan_.sort_document);
    if (plan_.limit != 0) {
      out.append("limitAmount", static_cast<std::int64_t>(plan_.skip + plan_.limit));
    }
    out.append("type", "simple").append("inputStage", input);
    return out.finish();
  }

  void append_filter(bson::Builder& out) const {
    if (plan_.needs_filter) out.append("filter", plan_.filter->filter());
  }
  void append_docs_examined(bson::Builder& out) const {
    if (stats_ == nullptr) return;
    out.append("docsExamined", static_cast<std::int32_t>(stats_->docs_examined));
  }

  // MongoDB's name for it; there is no stage around or below it.
  [[nodiscard]] bson::Document id_lookup() const {
    bson::Builder out = stage("IDHACK");
    if (stats_ != nullptr) {
      out.append("keysExamined", static_cast<std::int32_t>(stats_->keys_examined));
    }
    append_docs_examined(out);
    return out.finish();
  }

  [[nodiscard]] bson::Document source() const {
    const Scan& first = plan_.scans.front();
    if (!first.index) {
      bson::Builder out = stage("COLLSCAN");
      append_filter(out);
      append_docs_examined(out);
      out.append("direction", direction(first));
      return out.finish();
    }
    bson::Builder out = stage("FETCH");
    append_filter(out);
    append_docs_examined(out);
    out.append("inputStage", plan_.scans.size() == 1 ? index_scan(first) : union_of_scans());
    return out.finish();
  }

  [[nodiscard]] bson::Document union_of_scans() const {
    bson::Builder out = stage("OR");
    out.open_array("inputStages");
    for (const Scan& scan : plan_.scans) out.push(index_scan(scan));
    out.close();
    return out.finish();
  }

  static std::string_view direction(const Scan& scan) {
    return scan.direction == Direction::kForward ? "forward" : "backward";
  }

  [[nodiscard]] bson::Document index_scan(const Scan& scan) const {
    const Index& index = *scan.index;
    bson::Builder out = stage("IXSCAN");
    out.append("keyPattern", spec_of(index).key)
        .append("indexName", spec_of(index).name)
        .append("isMultiKey", index.is_multikey())
        .append("isUnique", spec_of(index).unique)
        .append("isSparse", spec_of(index).sparse)
        .append("isPartial", spec_of(index).partial_filter != nullptr)
        .append("indexVersion", 2)
        .append("direction", direction(scan));
    out.open_document("indexBounds");
    for (std::size_t i = 0; i < scan.bounds.size(); ++i) {
      const IndexField& field = spec_of(index).fields[i];
      // As they are walked through.
      const bool downwards = field.descending != (scan.direction == Direction::kBackward);
      out.open_array(field.path);
      const auto& intervals = scan.bounds[i];
      for (std::size_t n = 0; n < intervals.size(); ++n) {
        out.push(text(intervals[downwards ? intervals.size() - 1 - n : n], downwards));
      }
      out.close();
    }
    out.close();
    if (stats_ != nullptr) {
      out.append("keysExamined", static_cast<std::int32_t>(stats_->keys_examined));
    }
    return out.finish();
  }

  static std::string text(const Interval& interval, bool downwards) {
    auto [low, high] = ends_of(interval.type);
    if (interval.low_value) low = bson::shell_text(interval.low_value);
    if (interval.high_value) high = bson::shell_text(interval.high_value);
    bool first_inclusive = interval.low_inclusive;
    bool last_inclusive = interval.high_inclusive;
    if (downwards) {
      std::swap(low, high);
      std::swap(first_inclusive, last_inclusive);
    }
    return (first_inclusive ? "[" : "(") + low + ", " + high + (last_inclusive ? "]" : ")");
  }
};

}  // namespace

bson::Document describe_stages(const Plan& plan, const ExecutionStats* stats) {
  return StageTree(plan, stats).build();
}

bson::Document describe_plan(const Plan& plan) { return describe_stages(plan, nullptr); }

}  // namespace gesso::localdb
