// Bytes of stack that compiled functions take, from what LLVM made of them.
#pragma once

#include <llvm/IR/Module.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "codegen/native.h"

namespace tsc::codegen {

// Asks the code generator to tell the size of each function's frame, by a DiagnosticInfoStackSize where it is not 0.
void ask_for_frames(llvm::Module& module);

// The stack of the functions that others may call, from the frames that were told, by name. `module` is what the code
// generator left: its calls are those of the code, but for libraries' functions that stand in for instructions.
std::vector<StackUse> stack_use(const llvm::Module& module, const std::map<std::string, int64_t>& frames,
                                const Target& target);

}  // namespace tsc::codegen
