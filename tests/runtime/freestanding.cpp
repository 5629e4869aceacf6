// Compiled, never run: the whole core without the standard library.
#include "runtime/core/library.h"
#include "runtime/core/profile.h"
