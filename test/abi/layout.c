/* Compiles the headers alone as C11, so that the C compiler checks layout.h as well. */
#include "layout.h"
