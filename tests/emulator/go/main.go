// The Go driver against gesso localdb --dialect cosmos-ru: URI, the CA's file.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var passed, failed int

func check(name string, work func() error) {
	if err := work(); err != nil {
		failed++
		fmt.Printf("FAILED %s: %v\n", name, err)
		return
	}
	passed++
}

func expect(good bool, what string, found any) error {
	if good {
		return nil
	}
	return fmt.Errorf("expected %s, found %v", what, found)
}

func throttled(err error) bool {
	var bulk mongo.BulkWriteException
	if errors.As(err, &bulk) {
		for _, one := range bulk.WriteErrors {
			if one.Code == 16500 && strings.Contains(one.Message, "RetryAfterMs=") {
				return true
			}
		}
	}
	var server mongo.ServerError
	return errors.As(err, &server) && server.HasErrorCode(16500)
}

func walk(ctx context.Context, db *mongo.Database) {
	orders := db.Collection("orders")
	check("go: creates a collection", func() error {
		command := bson.D{{Key: "customAction", Value: "CreateCollection"}, {Key: "collection", Value: "orders"},
			{Key: "shardKey", Value: "user"}, {Key: "offerThroughput", Value: 400}}
		return db.RunCommand(ctx, command).Err()
	})
	check("go: inserts and finds", func() error {
		if _, err := orders.InsertOne(ctx, bson.D{{Key: "_id", Value: 1}, {Key: "user", Value: "ann"}, {Key: "n", Value: 1}}); err != nil {
			return err
		}
		var found bson.M
		if err := orders.FindOne(ctx, bson.D{{Key: "user", Value: "ann"}}).Decode(&found); err != nil {
			return err
		}
		return expect(found["n"] == int32(1), "n = 1", found)
	})
	check("go: sorts by an index", func() error {
		if _, err := orders.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "n", Value: 1}}}); err != nil {
			return err
		}
		cursor, err := orders.Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "n", Value: -1}}))
		if err != nil {
			return err
		}
		var all []bson.M
		return errors.Join(cursor.All(ctx, &all), expect(len(all) == 1, "one document", all))
	})
	check("go: a sort without an index is refused", func() error {
		cursor, err := orders.Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "x", Value: 1}}))
		if err == nil {
			err = cursor.All(ctx, &[]bson.M{})
		}
		return expect(err != nil && strings.Contains(err.Error(), "order-by item is excluded"), "a refusal", err)
	})
	check("go: updates", func() error {
		done, err := orders.UpdateOne(ctx, bson.D{{Key: "_id", Value: 1}, {Key: "user", Value: "ann"}},
			bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 5}}}})
		if err != nil {
			return err
		}
		return expect(done.ModifiedCount == 1, "one changed", done)
	})
	check("go: writes in bulk", func() error {
		done, err := orders.BulkWrite(ctx, []mongo.WriteModel{
			mongo.NewInsertOneModel().SetDocument(bson.D{{Key: "_id", Value: 2}, {Key: "user", Value: "bob"}, {Key: "n", Value: 2}}),
			mongo.NewDeleteOneModel().SetFilter(bson.D{{Key: "_id", Value: 2}, {Key: "user", Value: "bob"}}),
		})
		if err != nil {
			return err
		}
		return expect(done.InsertedCount == 1 && done.DeletedCount == 1, "one in and out", done)
	})
	check("go: aggregates", func() error {
		cursor, err := orders.Aggregate(ctx, mongo.Pipeline{
			{{Key: "$match", Value: bson.D{{Key: "user", Value: "ann"}}}},
			{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$user"}, {Key: "sum", Value: bson.D{{Key: "$sum", Value: "$n"}}}}}},
		})
		if err != nil {
			return err
		}
		var all []bson.M
		if err := cursor.All(ctx, &all); err != nil {
			return err
		}
		return expect(len(all) == 1 && all[0]["sum"] == int32(6), "a sum of 6", all)
	})
	check("go: sees 16500 past the request units", func() error {
		var many []any
		for i := 0; i < 200; i++ {
			many = append(many, bson.D{{Key: "_id", Value: 100 + i}, {Key: "user", Value: fmt.Sprint(i)}})
		}
		_, err := orders.InsertMany(ctx, many, options.InsertMany().SetOrdered(false))
		return expect(throttled(err), "16500", err)
	})
}

func main() {
	ctx := context.Background()
	uri := os.Args[1] + "&tlsCAFile=" + url.QueryEscape(os.Args[2])
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	walk(ctx, client.Database("go"))
	_ = client.Disconnect(ctx)
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
