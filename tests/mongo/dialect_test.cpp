#include "gesso/mongo/dialect.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "gesso/bson/json.hpp"

namespace gesso::mongo {
namespace {

struct Case {
  std::vector<std::string> hosts;
  const char* hello;
  Dialect dialect;
};

TEST(Dialect, IsKnownByTheHelloAndTheHosts) {
  const Case cases[] = {
      {{"localhost"}, "{}", Dialect::kMongoDb},
      {{"c.mongodb.net"}, R"({"setName": "atlas-1"})", Dialect::kMongoDb},
      {{"localhost"}, R"({"localdb": {"version": "0.1"}})", Dialect::kLocalDb},
      // The embedded engine when it plays Azure Cosmos DB.
      {{"localhost"}, R"({"localdb": {}, "setName": "globaldb"})", Dialect::kCosmosRu},
      {{"a.mongo.cosmos.azure.com"}, "{}", Dialect::kCosmosRu},
      {{"a.documents.azure.com"}, "{}", Dialect::kCosmosRu},
      {{"a.mongocluster.cosmos.azure.com"}, "{}", Dialect::kDocumentDb},
      {{"a.global.mongocluster.cosmos.azure.com"}, "{}", Dialect::kDocumentDb},
      {{"localhost"}, R"({"internal": {"documentdb_versions": ["1"]}})", Dialect::kDocumentDb},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(detect_dialect(one.hosts, bson::from_json(one.hello)), one.dialect)
        << one.hosts[0] << " " << one.hello;
  }
}

TEST(Dialect, WritesAreRepeatedOnlyByServersWithSessionsThatAreNotAlone) {
  const auto can = [](const char* hello) { return can_retry_writes(bson::from_json(hello)); };
  EXPECT_TRUE(can(R"({"logicalSessionTimeoutMinutes": 30, "setName": "rs"})"));
  EXPECT_TRUE(can(R"({"logicalSessionTimeoutMinutes": 30, "msg": "isdbgrid"})"));
  EXPECT_FALSE(can(R"({"logicalSessionTimeoutMinutes": 30})"));
  EXPECT_FALSE(can(R"({"setName": "rs"})"));
}

TEST(Dialect, ChangesAreToldByReplicaSetsAndByCosmosDbInItsOneForm) {
  const auto tells = [](Dialect dialect, const char* hello) {
    return has_change_streams(traits_of(dialect), bson::from_json(hello));
  };
  EXPECT_TRUE(tells(Dialect::kMongoDb, R"({"setName": "rs"})"));
  EXPECT_TRUE(tells(Dialect::kMongoDb, R"({"msg": "isdbgrid"})"));
  EXPECT_FALSE(tells(Dialect::kMongoDb, "{}"));
  EXPECT_TRUE(tells(Dialect::kCosmosRu, "{}"));
  EXPECT_EQ(traits_of(Dialect::kCosmosRu).change_streams, ChangeStreams::kOneForm);
  EXPECT_FALSE(tells(Dialect::kDocumentDb, R"({"msg": "isdbgrid"})"));
  EXPECT_FALSE(tells(Dialect::kLocalDb, R"({"setName": "rs"})"));
}

TEST(Dialect, RuTakesTwoMegabytesWhateverItSays) {
  const bson::Document hello = bson::from_json(R"({"maxBsonObjectSize": 16777216})");
  EXPECT_EQ(max_document_size(traits_of(Dialect::kCosmosRu), hello), 2u << 20);
  EXPECT_EQ(max_document_size(traits_of(Dialect::kCosmosRu, {.documents_of_16_mb = true}), hello),
            16u << 20);
  EXPECT_EQ(max_document_size(traits_of(Dialect::kMongoDb), hello), 16u << 20);
  EXPECT_EQ(max_document_size(traits_of(Dialect::kMongoDb), bson::Document()), 16u << 20);
}

TEST(Dialect, EachHasANameByWhichItIsForced) {
  EXPECT_EQ(to_string(Dialect::kMongoDb), "mongodb");
  EXPECT_EQ(to_string(Dialect::kLocalDb), "localdb");
  EXPECT_EQ(to_string(Dialect::kCosmosRu), "cosmos-ru");
  EXPECT_EQ(to_string(Dialect::kDocumentDb), "documentdb");
  for (const Dialect dialect : kDialects) {
    EXPECT_EQ(parse_dialect(to_string(dialect)), dialect);
    EXPECT_EQ(traits_of(dialect).dialect, dialect);
  }
  EXPECT_EQ(parse_dialect("cosmos"), std::nullopt);
}

// One line for each difference: who changes one has to say so here.
TEST(Dialect, TheTraitsOfEach) {
  constexpr DialectTraits mongodb = traits_of(Dialect::kMongoDb);
  constexpr DialectTraits localdb = traits_of(Dialect::kLocalDb);
  constexpr DialectTraits ru = traits_of(Dialect::kCosmosRu);
  constexpr DialectTraits vcore = traits_of(Dialect::kDocumentDb);
  const auto only_on = [&](bool DialectTraits::*member, bool value,
                           std::initializer_list<const DialectTraits*> those) {
    for (const DialectTraits* one : {&mongodb, &localdb, &ru, &vcore}) {
      const bool is_one = std::ranges::find(those, one) != those.end();
      EXPECT_EQ(one->*member, is_one ? value : !value) << one->name;
    }
  };
  only_on(&DialectTraits::compound_serves_filters, false, {&ru});
  only_on(&DialectTraits::partial_indexes, false, {&ru});
  only_on(&DialectTraits::ttl_on_any_date, false, {&ru});
  only_on(&DialectTraits::unique_over_documents, false, {&ru});
  only_on(&DialectTraits::counts_exactly, false, {&mongodb});
  only_on(&DialectTraits::extension_commands, true, {&ru});
  only_on(&DialectTraits::tells_request_charge, true, {&ru});
  only_on(&DialectTraits::cursors_of_sessions, false, {&ru, &localdb});
  only_on(&DialectTraits::retryable_writes, false, {&ru, &vcore});
  only_on(&DialectTraits::internal_error_is_transient, true, {&ru});
}

TEST(Dialect, AnAccountsCapabilitiesAreReadByAzuresNames) {
  const auto parse = [](std::initializer_list<std::string_view> names) {
    return parse_capabilities(std::vector<std::string_view>(names));
  };
  EXPECT_EQ(parse({}), AccountCapabilities());
  EXPECT_EQ(parse({"EnableMongo", "DisableRateLimitingResponses"}), AccountCapabilities());
  EXPECT_EQ(parse({"EnableMongo", "enablemongoretryablewrites", "EnableTtlOnCustomPath"}),
            (AccountCapabilities{.retryable_writes = true, .ttl_on_custom_path = true}));
  EXPECT_EQ(parse({"EnableMongoRetryableWrite"}), std::nullopt);
}

TEST(Dialect, ACapabilityChangesTheTraitThatItIsAbout) {
  EXPECT_TRUE(traits_of(Dialect::kCosmosRu, {.retryable_writes = true}).retryable_writes);
  EXPECT_TRUE(traits_of(Dialect::kCosmosRu, {.ttl_on_custom_path = true}).ttl_on_any_date);
  EXPECT_TRUE(traits_of(Dialect::kCosmosRu, {.partial_unique = true}).partial_indexes);
  EXPECT_TRUE(traits_of(Dialect::kCosmosRu, {.unique_reindex = true}).unique_over_documents);
}

}  // namespace
}  // namespace gesso::mongo
