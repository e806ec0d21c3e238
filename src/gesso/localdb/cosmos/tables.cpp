#include "gesso/localdb/cosmos/tables.hpp"

#include <algorithm>
#include <array>

namespace gesso::localdb::cosmos {
namespace {

// In ascending order, all of them.

// The greetings are not all in the documents' list, but no driver could do without them.
constexpr auto kGreetings = std::to_array<std::string_view>(
    {"authenticate", "buildInfo", "buildinfo", "configureFailPoint", "endSessions",
     "getLastRequestStatistics", "getnonce", "hello", "isMaster", "ismaster", "logout", "ping",
     "saslContinue", "saslStart", "whatsmyuri"});
constexpr auto kCounted = std::to_array<std::string_view>({"abortTransaction",
                                                           "aggregate",
                                                           "collStats",
                                                           "collstats",
                                                           "commitTransaction",
                                                           "count",
                                                           "create",
                                                           "createIndexes",
                                                           "currentOp",
                                                           "customAction",
                                                           "dbStats",
                                                           "dbstats",
                                                           "delete",
                                                           "deleteIndexes",
                                                           "distinct",
                                                           "drop",
                                                           "dropDatabase",
                                                           "dropIndexes",
                                                           "enableSharding",
                                                           "explain",
                                                           "filemd5",
                                                           "find",
                                                           "findAndModify",
                                                           "findandmodify",
                                                           "getLastError",
                                                           "getMore",
                                                           "hostInfo",
                                                           "insert",
                                                           "killCursors",
                                                           "listCollections",
                                                           "listDatabases",
                                                           "listIndexes",
                                                           "reIndex",
                                                           "shardCollection",
                                                           "update"});
constexpr auto kStages = std::to_array<std::string_view>(
    {"$addFields", "$changeStream", "$count",       "$facet",       "$geoNear", "$group",
     "$limit",     "$lookup",       "$match",       "$merge",       "$out",     "$planCacheStats",
     "$project",   "$redact",       "$replaceRoot", "$replaceWith", "$sample",  "$set",
     "$skip",      "$sort",         "$sortByCount", "$unset",       "$unwind"});
// Of expressions and of the accumulators of $group.
constexpr auto kExpressions = std::to_array<std::string_view>({"$abs",
                                                               "$acos",
                                                               "$acosh",
                                                               "$add",
                                                               "$addToSet",
                                                               "$allElementsTrue",
                                                               "$and",
                                                               "$anyElementTrue",
                                                               "$arrayElemAt",
                                                               "$arrayToObject",
                                                               "$asin",
                                                               "$asinh",
                                                               "$atan",
                                                               "$atan2",
                                                               "$atanh",
                                                               "$avg",
                                                               "$ceil",
                                                               "$cmp",
                                                               "$concat",
                                                               "$concatArrays",
                                                               "$cond",
                                                               "$convert",
                                                               "$cos",
                                                               "$cosh",
                                                               "$dateFromParts",
                                                               "$dateFromString",
                                                               "$dateToParts",
                                                               "$dateToString",
                                                               "$dayOfMonth",
                                                               "$dayOfWeek",
                                                               "$dayOfYear",
                                                               "$degreesToRadians",
                                                               "$divide",
                                                               "$eq",
                                                               "$exp",
                                                               "$filter",
                                                               "$first",
                                                               "$floor",
                                                               "$gt",
                                                               "$gte",
                                                               "$hour",
                                                               "$ifNull",
                                                               "$in",
                                                               "$indexOfArray",
                                                               "$indexOfBytes",
                                                               "$indexOfCP",
                                                               "$isArray",
                                                               "$isoDayOfWeek",
                                                               "$isoWeek",
                                                               "$isoWeekYear",
                                                               "$last",
                                                               "$let",
                                                               "$literal",
                                                               "$ln",
                                                               "$log",
                                                               "$log10",
                                                               "$lt",
                                                               "$lte",
                                                               "$ltrim",
                                                               "$map",
                                                               "$max",
                                                               "$mergeObjects",
                                                               "$millisecond",
                                                               "$min",
                                                               "$minute",
                                                               "$mod",
                                                               "$month",
                                                               "$multiply",
                                                               "$ne",
                                                               "$nin",
                                                               "$not",
                                                               "$objectToArray",
                                                               "$or",
                                                               "$pow",
                                                               "$push",
                                                               "$radiansToDegrees",
                                                               "$range",
                                                               "$reduce",
                                                               "$regexFind",
                                                               "$regexFindAll",
                                                               "$regexMatch",
                                                               "$reverseArray",
                                                               "$round",
                                                               "$rtrim",
                                                               "$second",
                                                               "$setDifference",
                                                               "$setEquals",
                                                               "$setIntersection",
                                                               "$setIsSubset",
                                                               "$setUnion",
                                                               "$sin",
                                                               "$sinh",
                                                               "$size",
                                                               "$slice",
                                                               "$split",
                                                               "$sqrt",
                                                               "$stdDevPop",
                                                               "$stdDevSamp",
                                                               "$strLenBytes",
                                                               "$strLenCP",
                                                               "$strcasecmp",
                                                               "$substr",
                                                               "$substrBytes",
                                                               "$substrCP",
                                                               "$subtract",
                                                               "$sum",
                                                               "$switch",
                                                               "$tan",
                                                               "$tanh",
                                                               "$toBool",
                                                               "$toDate",
                                                               "$toDecimal",
                                                               "$toDouble",
                                                               "$toInt",
                                                               "$toLong",
                                                               "$toLower",
                                                               "$toObjectId",
                                                               "$toString",
                                                               "$toUpper",
                                                               "$trim",
                                                               "$trunc",
                                                               "$type",
                                                               "$week",
                                                               "$year",
                                                               "$zip"});
constexpr auto kQueryOperators =
    std::to_array<std::string_view>({"$all",         "$and",      "$comment", "$elemMatch",
                                     "$eq",          "$exists",   "$expr",    "$geoIntersects",
                                     "$geoWithin",   "$geometry", "$gt",      "$gte",
                                     "$in",          "$lt",       "$lte",     "$maxDistance",
                                     "$minDistance", "$mod",      "$ne",      "$near",
                                     "$nearSphere",  "$nin",      "$nor",     "$not",
                                     "$options",     "$or",       "$regex",   "$size",
                                     "$type"});
constexpr auto kUpdateOperators = std::to_array<std::string_view>(
    {"$addToSet", "$bit", "$currentDate", "$inc", "$max", "$min", "$mul", "$pop", "$pull",
     "$pullAll", "$push", "$pushAll", "$rename", "$set", "$setOnInsert", "$unset"});
constexpr auto kProjectionOperators = std::to_array<std::string_view>({"$elemMatch", "$slice"});
static_assert(std::ranges::is_sorted(kGreetings));
static_assert(std::ranges::is_sorted(kCounted));
static_assert(std::ranges::is_sorted(kStages));
static_assert(std::ranges::is_sorted(kExpressions));
static_assert(std::ranges::is_sorted(kQueryOperators));
static_assert(std::ranges::is_sorted(kUpdateOperators));
static_assert(std::ranges::is_sorted(kProjectionOperators));

template <class List>
bool holds(const List& list, std::string_view name) {
  return std::ranges::binary_search(list, name);
}

}  // namespace

CommandKind kind_of_command(std::string_view name) {
  if (holds(kGreetings, name)) return CommandKind::kGreeting;
  return holds(kCounted, name) ? CommandKind::kCounted : CommandKind::kNone;
}

bool is_stage(std::string_view name) { return holds(kStages, name); }
bool is_expression(std::string_view name) { return holds(kExpressions, name); }
bool is_query_operator(std::string_view name) { return holds(kQueryOperators, name); }
bool is_update_operator(std::string_view name) { return holds(kUpdateOperators, name); }
bool is_projection_operator(std::string_view name) { return holds(kProjectionOperators, name); }

}  // namespace gesso::localdb::cosmos
