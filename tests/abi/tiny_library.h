// The hand-made libraries, for programs that link them, both at once.
#pragma once

#include "tsc/tsc.hpp"

extern "C" const tsc_library* tiny_library(uint32_t abi_version);
extern "C" const tsc_library* twice_library(uint32_t abi_version);
