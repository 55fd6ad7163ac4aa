/// @file
/// TOXTCP_API marks the functions that the library exports. All other symbols of the library are hidden.
#pragma once

#if defined(_WIN32)
#if defined(TOXTCP_BUILDS_DLL)
#define TOXTCP_API __declspec(dllexport)
#else
#define TOXTCP_API // dllimport is not needed for functions
#endif
#elif defined(__GNUC__)
#define TOXTCP_API __attribute__((visibility("default")))
#else
#define TOXTCP_API
#endif
