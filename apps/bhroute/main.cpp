#include "application.h"

int main(int argc, char** argv) { return bhroute::cli::run(argc, argv); }
