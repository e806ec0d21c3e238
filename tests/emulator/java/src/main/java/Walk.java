import com.mongodb.ConnectionString;
import com.mongodb.MongoBulkWriteException;
import com.mongodb.MongoClientSettings;
import com.mongodb.MongoCommandException;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.Accumulators;
import com.mongodb.client.model.Aggregates;
import com.mongodb.client.model.DeleteOneModel;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Indexes;
import com.mongodb.client.model.InsertManyOptions;
import com.mongodb.client.model.InsertOneModel;
import com.mongodb.client.model.Sorts;
import com.mongodb.client.model.Updates;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.bson.Document;

/** The Java driver against gesso localdb --dialect cosmos-ru: URI, the CA's file. */
public final class Walk {
  private static int passed;
  private static int failed;

  private interface Work {
    void run() throws Exception;
  }

  private static void check(String name, Work work) {
    try {
      work.run();
      passed++;
    } catch (Throwable error) {
      failed++;
      System.out.println("FAILED java: " + name + ": " + error);
    }
  }

  private static void equal(Object found, Object expected) {
    if (!Objects.equals(found, expected)) {
      throw new AssertionError("expected " + expected + ", found " + found);
    }
  }

  private static SSLContext trusting(String caFile) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null);
    try (FileInputStream in = new FileInputStream(caFile)) {
      store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private static void walk(MongoDatabase db) {
    MongoCollection<Document> orders = db.getCollection("orders");
    check("creates a collection", () -> db.runCommand(new Document("customAction", "CreateCollection")
        .append("collection", "orders").append("shardKey", "user").append("offerThroughput", 400)));
    check("inserts and finds", () -> {
      orders.insertOne(new Document("_id", 1).append("user", "ann").append("n", 1));
      equal(orders.find(Filters.eq("user", "ann")).first().getInteger("n"), 1);
    });
    check("sorts by an index", () -> {
      orders.createIndex(Indexes.ascending("n"));
      equal(orders.find().sort(Sorts.descending("n")).into(new ArrayList<>()).size(), 1);
    });
    check("a sort without an index is refused", () -> {
      try {
        orders.find().sort(Sorts.ascending("x")).first();
        throw new AssertionError("it went through");
      } catch (MongoCommandException refusal) {
        equal(refusal.getErrorCode(), 2);
        equal(refusal.getErrorMessage().contains("order-by item is excluded"), true);
      }
    });
    check("updates", () -> equal(orders.updateOne(
        Filters.and(Filters.eq("_id", 1), Filters.eq("user", "ann")), Updates.inc("n", 5)).getModifiedCount(), 1L));
    check("writes in bulk", () -> {
      var done = orders.bulkWrite(List.of(
          new InsertOneModel<>(new Document("_id", 2).append("user", "bob").append("n", 2)),
          new DeleteOneModel<>(Filters.and(Filters.eq("_id", 2), Filters.eq("user", "bob")))));
      equal(done.getInsertedCount(), 1);
      equal(done.getDeletedCount(), 1);
    });
    check("aggregates", () -> equal(orders.aggregate(List.of(Aggregates.match(Filters.eq("user", "ann")),
        Aggregates.group("$user", Accumulators.sum("sum", "$n")))).first().getInteger("sum"), 6));
    check("sees 16500 past the request units", () -> {
      List<Document> many = new ArrayList<>();
      for (int i = 0; i < 200; i++) many.add(new Document("_id", 100 + i).append("user", "u" + i));
      try {
        orders.insertMany(many, new InsertManyOptions().ordered(false));
        throw new AssertionError("200 inserts went through at 400 request units");
      } catch (MongoBulkWriteException refusal) {
        equal(refusal.getWriteErrors().stream().allMatch(one -> one.getCode() == 16500), true);
      }
    });
  }

  public static void main(String[] arguments) throws Exception {
    SSLContext context = trusting(arguments[1]);
    MongoClientSettings settings = MongoClientSettings.builder()
        .applyConnectionString(new ConnectionString(arguments[0]))
        .applyToSslSettings(tls -> tls.context(context))
        .build();
    try (MongoClient client = MongoClients.create(settings)) {
      walk(client.getDatabase("java"));
    }
    System.out.println(passed + " passed, " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }
}
