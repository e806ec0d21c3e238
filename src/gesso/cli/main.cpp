#include "gesso/cli/app.hpp"

int main(int argc, char** argv) { return gesso::cli::run(argc, argv); }
