// The hand-made library, for programs that link it.
#pragma once

#include "tsc/tsc.hpp"

extern "C" const tsc_library* tiny_library(uint32_t abi_version);
