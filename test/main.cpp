// The main of every Catch2 2.x test program; 3.x brings its own.
#define CATCH_CONFIG_MAIN
#include "catch.h"
