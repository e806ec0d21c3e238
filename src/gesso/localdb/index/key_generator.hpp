// The keys under which an index holds a document.
//
// Pure functions over views. A path fans out over the arrays it meets; two paths that meet the same
// array go through it together; two different arrays are refused (171).
#pragma once

#include <string>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/index/spec.hpp"

namespace gesso::localdb {

// Fills `out`. Throws CommandError (171) for parallel arrays.
void generate_keys(const IndexSpec& spec, bson::View document, KeySet& out);

// Of the document's keys, the values that made `key`: {a: 1, b: null}, for a duplicate's message.
[[nodiscard]] bson::Document key_values(const IndexSpec& spec, bson::View document,
                                        std::string_view key);

}  // namespace gesso::localdb
