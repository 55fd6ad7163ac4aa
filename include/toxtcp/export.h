/// @file
/// TOXTCP_API marks what the library shows to the programs that link it; everything else stays hidden in it.
#pragma once

#if defined(__GNUC__)
#define TOXTCP_API __attribute__((visibility("default")))
#else
#define TOXTCP_API
#endif
