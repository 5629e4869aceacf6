// Freestanding programs: a method becomes a C function over raw pointers, whose memory is all planned. Control flow and
// numbers are C++, tensors are places of fixed size in one arena that the caller gives, and work is done by regions;
// there is no host layer, no context but an error code, and nothing that asks an operating system for anything.
//
//   int net_forward(const float* x, float* y, void* arena);
#pragma once

#include "codegen/emit.h"

namespace tsc::codegen {

// Throws CompileError with everything in the program that such a program can't have.
EmittedModel emit_freestanding_model(const ir::Graph& graph, const EmitOptions& options);

// The translation unit that has a model's weights, whose bytes stand beside it in the file `weights_file_name` says.
EmittedFile weights_source(const EmittedModel& model);
std::string weights_file_name(const EmittedModel& model);

}  // namespace tsc::codegen
