/* The headers alone, as C11: what layout.h holds is held by the C compiler too. */
#include "layout.h"
