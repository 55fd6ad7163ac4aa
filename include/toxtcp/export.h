/// @file
/// TOXTCP_API marks what the library shows to the programs that link it; everything else stays hidden in it.
#pragma once

#if defined(_WIN32)
#if defined(TOXTCP_BUILDS_DLL)
#define TOXTCP_API __declspec(dllexport)
#else
#define TOXTCP_API // functions need no dllimport
#endif
#elif defined(__GNUC__)
#define TOXTCP_API __attribute__((visibility("default")))
#else
#define TOXTCP_API
#endif
