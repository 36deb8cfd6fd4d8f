// What the presets asan and tsan promise: the build type's NDEBUG does not turn our assertions off, nor the standard library's.

#include <cassert>

#if defined(NDEBUG) || !defined(_GLIBCXX_ASSERTIONS)
#error "a sanitized build without assertions"
#endif
