// `find_by_id` and `create` through the repository against the same command through bare libmongoc,
// in turn in one process, on one localdb: the ratio is what counts.
//
//   repository_bench [--seconds-per-figure S]       prints a line a figure and JSON on the last
//   line
#include <mongoc/mongoc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/id.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/repository.hpp"

namespace {

using namespace gesso;
using models::Generation;
using Generations = repositories::Repository<Generation>;
using SteadyClock = std::chrono::steady_clock;

constexpr int kDocuments = 20'000;

struct World {
  SystemClock clock;
  SystemRandom random;
  IdGenerator ids{clock, random};
  repositories::RepositoryContext context{.clock = clock, .random = random, .ids = ids};
  std::vector<models::GenerationId> known;

  Generation generation() {
    Generation made = schema::from_bson<Generation>(bson::make_document(
        "_id", ids.next("gen_"), "user_id", "user_01J9ZQ3V7X5R2M8K4T6W0Y1B3D", "prompt",
        "A beautiful sunset over mountains, oil on canvas", "model_type", "stable-diffusion-xl",
        "image_size", "1024x1024", "num_images", 1, "guidance_scale", 7.5, "num_inference_steps",
        50, "status", "pending", "cost_credits", 1, "credits_from_subscription", 0,
        "credits_from_balance", 1, "attempts", 0, "created_at", clock.now(), "updated_at",
        clock.now()));
    return made;
  }
};

// Operations a second of `threads` threads that repeat `operation(thread)` for `duration`.
double rate(int threads, std::chrono::milliseconds duration,
            const std::function<void(int)>& operation) {
  std::atomic<std::int64_t> total{0};
  const auto start = SteadyClock::now();
  const auto end = start + duration;
  {
    std::vector<std::jthread> workers;
    for (int thread = 0; thread < threads; ++thread) {
      workers.emplace_back([&, thread] {
        std::int64_t done = 0;
        while (SteadyClock::now() < end) {
          operation(thread);
          ++done;
        }
        total += done;
      });
    }
  }
  const std::chrono::duration<double> took = SteadyClock::now() - start;
  return static_cast<double>(total.load()) / took.count();
}

// One libmongoc client for each thread, popped from a pool as ours are.
class Bare {
  mongoc_uri_t* uri_;
  mongoc_client_pool_t* pool_;
  std::vector<mongoc_client_t*> clients_;
  std::vector<mongoc_collection_t*> collections_;

 public:
  Bare(const std::string& uri, int threads)
      : uri_(mongoc_uri_new(uri.c_str())), pool_(mongoc_client_pool_new(uri_)) {
    for (int i = 0; i < threads; ++i) {
      clients_.push_back(mongoc_client_pool_pop(pool_));
      collections_.push_back(
          mongoc_client_get_collection(clients_.back(), "imagegenerator", "generations"));
    }
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;
  ~Bare() {
    for (auto* collection : collections_) mongoc_collection_destroy(collection);
    for (auto* client : clients_) mongoc_client_pool_push(pool_, client);
    mongoc_client_pool_destroy(pool_);
    mongoc_uri_destroy(uri_);
  }

  void find(int thread, std::string_view id) {
    bson_t filter = BSON_INITIALIZER;
    bson_append_utf8(&filter, "_id", 3, id.data(), static_cast<int>(id.size()));
    bson_t options = BSON_INITIALIZER;
    bson_append_int64(&options, "limit", 5, 1);
    bson_append_bool(&options, "singleBatch", 11, true);
    auto* cursor = mongoc_collection_find_with_opts(collections_[static_cast<std::size_t>(thread)],
                                                    &filter, &options, nullptr);
    const bson_t* document = nullptr;
    if (!mongoc_cursor_next(cursor, &document)) std::abort();
    mongoc_cursor_destroy(cursor);
    bson_destroy(&filter);
    bson_destroy(&options);
  }

  void insert(int thread, const bson::Document& document) {
    bson_t borrowed;
    if (!bson_init_static(&borrowed, document.data(), document.size())) std::abort();
    bson_error_t error;
    if (!mongoc_collection_insert_one(collections_[static_cast<std::size_t>(thread)], &borrowed,
                                      nullptr, nullptr, &error)) {
      std::fprintf(stderr, "%s\n", error.message);
      std::abort();
    }
  }
};

struct Figure {
  std::string name;
  int threads;
  double bare;
  double gesso;
  double ratio;        // the median of the rounds' ratios
  std::string rounds;  // as JSON: [[gesso, bare], ...]
};

}  // namespace

int main(int argc, char** argv) {
  double seconds = 3;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "--seconds-per-figure") seconds = std::atof(argv[i + 1]);
  }
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("gesso-bench-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::vector<Figure> figures;
  {
    localdb::Server server({.data_dir = folder, .unix_socket = (folder / "db.sock").string()});
    server.start();
    World world;
    mongo::ServiceOptions options;
    options.uri = Secret(std::string_view(server.uri()));
    options.pool_size = 32;
    mongo::Service service(std::move(options), world.clock, world.random);
    service.connect();

    for (int i = 0; i < kDocuments / 1000; ++i) {
      std::vector<Generation> batch;
      for (int j = 0; j < 1000; ++j) {
        batch.push_back(world.generation());
        world.known.push_back(batch.back().id);
      }
      service.run([&](mongo::Session& session) {
        const auto result = Generations(session, world.context).create_many(batch);
        if (result.created != 1000) std::abort();
      });
    }

    constexpr int kRounds = 5;
    for (const int threads : {1, 32}) {
      Bare bare(server.uri(), threads);
      const auto slice = std::chrono::milliseconds(static_cast<int>(1000 * seconds / kRounds));
      const auto pick = [&](std::minstd_rand& random) {
        return world.known[random() % world.known.size()];
      };
      // Operations a second through the repository, each thread in one unit of work.
      const auto through_repository = [&](const std::function<void(Generations&, int)>& operation) {
        std::atomic<std::int64_t> total{0};
        const auto start = SteadyClock::now();
        const auto end = start + slice;
        {
          std::vector<std::jthread> callers;
          for (int thread = 0; thread < threads; ++thread) {
            callers.emplace_back([&, thread] {
              service.run(Deadline::after(std::chrono::minutes{1}), [&](mongo::Session& session) {
                Generations generations(session, world.context);
                std::int64_t done = 0;
                for (; SteadyClock::now() < end; ++done) operation(generations, thread);
                total += done;
              });
            });
          }
        }
        const std::chrono::duration<double> took = SteadyClock::now() - start;
        return static_cast<double>(total.load()) / took.count();
      };

      const auto measure = [&](std::string name, const std::function<void(int)>& with_bare,
                               const std::function<void(Generations&, int)>& with_gesso) {
        std::vector<double> bares, gessos, ratios;
        std::string rounds;
        for (int round = 0; round < kRounds; ++round) {
          bares.push_back(rate(threads, slice, with_bare));
          gessos.push_back(through_repository(with_gesso));
          ratios.push_back(gessos.back() / bares.back());
          rounds += (rounds.empty() ? "[" : ", [") + std::to_string(gessos.back()) + ", " +
                    std::to_string(bares.back()) + "]";
        }
        const auto median = [](std::vector<double> values) {
          std::ranges::sort(values);
          return values[values.size() / 2];
        };
        figures.push_back(
            {std::move(name), threads, median(bares), median(gessos), median(ratios), rounds});
        const Figure& figure = figures.back();
        std::printf("%-12s %2d threads  %9.0f/s bare libmongoc  %9.0f/s repository  ratio %.2f\n",
                    figure.name.c_str(), figure.threads, figure.bare, figure.gesso, figure.ratio);
        std::fflush(stdout);
      };

      std::vector<std::minstd_rand> randoms(static_cast<std::size_t>(threads));
      measure(
          "find_by_id",
          [&](int thread) {
            bare.find(thread, pick(randoms[static_cast<std::size_t>(thread)]).str());
          },
          [&](Generations& generations, int thread) {
            if (!generations.find_by_id(pick(randoms[static_cast<std::size_t>(thread)]))) {
              std::abort();
            }
          });
      measure(
          "create", [&](int thread) { bare.insert(thread, schema::to_bson(world.generation())); },
          [&](Generations& generations, int /*thread*/) {
            generations.create(world.generation());
          });
    }
  }
  std::filesystem::remove_all(folder);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("peak memory %ld MiB (server and clients)\n", usage.ru_maxrss / 1024);
  std::printf("{\"peak_memory_mib\": %ld, \"repository\": [", usage.ru_maxrss / 1024);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    std::printf(
        "%s{\"name\": \"%s\", \"threads\": %d, \"bare\": %.0f, \"gesso\": %.0f, "
        "\"ratio\": %.3f, \"rounds\": [%s]}",
        i == 0 ? "" : ", ", figures[i].name.c_str(), figures[i].threads, figures[i].bare,
        figures[i].gesso, figures[i].ratio, figures[i].rounds.c_str());
  }
  std::printf("]}\n");
}
