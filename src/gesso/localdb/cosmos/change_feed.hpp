// The change feed of a collection: its documents in the order of their last change, from a place
// on.
//
// Several changes of one document between two looks are one; a deleted document is none. All events
// of a page have one token, the place behind the page. Pure but for the snapshot that is read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/cosmos/documents.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/storage/transaction.hpp"

namespace gesso::localdb::cosmos {

// Where a stream stands: behind a change, in all partitions or in one of so many.
struct FeedPlace {
  Stamp behind = 0;
  std::size_t partition = 0;
  std::size_t partitions = 1;
};

// {_data: BinData(0, ...), _kind: 1}: JSON in base64, as accounts write it.
[[nodiscard]] bson::Document token_of(const FeedPlace& place);
// Throws CommandError (2) for what is no token.
[[nodiscard]] FeedPlace place_of(bson::View token);

struct FeedPage {
  std::vector<bson::Document> events;  // {_id, fullDocument, ns, documentKey}
  std::size_t bytes = 0;               // of the documents in them
};
// The next documents behind `place`, which moves behind them, and stays where there are none. Looks
// at every document and charges the thread's meter for it. `filter` is asked about events, which
// have `most_bytes` together; one always fits.
[[nodiscard]] FeedPage next_page(const Transaction& transaction, const Collection& collection,
                                 const Container& container, const Matcher& filter, Time now,
                                 std::size_t most_bytes, FeedPlace& place);

// What a pipeline of a change stream asks for.
struct FeedQuery {
  FeedPlace place;        // its `behind` is 0 for from now on
  bson::Document filter;  // on events
};
// Whether the first stage is $changeStream.
[[nodiscard]] bool is_change_stream(bson::View pipeline);
// Throws CommandError (2) for any form but the one that is documented.
[[nodiscard]] FeedQuery parse_change_stream(bson::View pipeline);

}  // namespace gesso::localdb::cosmos
