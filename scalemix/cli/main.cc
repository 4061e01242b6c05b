#include <iostream>

#include "scalemix/cli/command.h"

int main(int argc, char** argv) { return scalemix::cli::run(argc, argv, std::cout); }
