// Freestanding programs: a method becomes a C function over raw pointers, whose memory is all planned. Control flow and
// numbers are C++, tensors are places of fixed size in one arena that the caller gives, and work is done by regions;
// there is no host layer, no context but an error code, and nothing that asks an operating system for anything.
//
//   int net_forward(const float* x, float* y, void* arena);
#pragma once

#include <span>
#include <string>

#include "codegen/emit.h"
#include "codegen/native.h"

namespace tsc::codegen {

// Throws CompileError with everything in the program that such a program can't have.
EmittedModel emit_freestanding_model(const ir::Graph& graph, const EmitOptions& options);

// Tells in the model's header what its object says: the stack of its functions, and what it calls of others.
void add_stack(EmittedModel& model, std::span<const StackUse> stack, std::span<const std::string> undefined);

// The translation unit that has a model's weights, whose bytes stand beside it in the file `weights_file_name` says.
EmittedFile weights_source(const EmittedModel& model);
std::string weights_file_name(const EmittedModel& model);

}  // namespace tsc::codegen
