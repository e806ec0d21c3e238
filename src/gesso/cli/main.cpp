#include <cstdlib>

#include "gesso/cli/app.hpp"

int main(int argc, char** argv) {
  // libmongoc keeps counters in /dev/shm under its process's number, for a tool that nobody here
  // has. Of who is killed the file stays, and the next process of that number warns of it.
  ::setenv("MONGOC_DISABLE_SHM", "1", 0);
  return gesso::cli::run(argc, argv);
}
