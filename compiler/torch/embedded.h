// The TorchScript texts of the compiler, which cmake/EmbedFiles.cmake puts into it. Ended by an empty name.
#pragma once

#include <cstdint>

extern "C" {
struct TscEmbeddedFile {
  const char* name;
  const char* text;
  uint64_t size;
};
extern const TscEmbeddedFile tsc_decompositions[];
extern const TscEmbeddedFile tsc_object_functions[];
}
