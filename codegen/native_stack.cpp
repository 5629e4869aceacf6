#include "codegen/native_stack.h"

#include <llvm/IR/DataLayout.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

#include <algorithm>

namespace tsc::codegen {
namespace {

class CallTree {
 public:
  CallTree(const llvm::Module& module, const std::map<std::string, int64_t>& frames, const Target& target)
      : module_(module), frames_(frames), target_(target) {}

  // From the first byte that the call pushes, on the way through the frames that takes most. Functions of other objects
  // count nothing.
  std::optional<int64_t> bytes(const llvm::Function& function) {
    const auto [found, is_new] = known_.try_emplace(&function, std::nullopt);
    if (!is_new) return found->second;  // nullopt while it is being looked at: it calls itself
    int64_t deepest = 0;
    for (const llvm::Instruction& instruction : llvm::instructions(function)) {
      if (const auto* memory = llvm::dyn_cast<llvm::AllocaInst>(&instruction); memory && !memory->isStaticAlloca())
        return {};
      const auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      if (call == nullptr || call->isInlineAsm()) continue;
      const llvm::Function* callee = call->getCalledFunction();
      if (callee == nullptr) return {};
      if (callee->isDeclaration()) continue;
      const std::optional<int64_t> below = bytes(*callee);
      if (!below) return {};
      deepest = std::max(deepest, *below + pushed_operands(*call));
    }
    return known_[&function] = frame(function) + deepest;
  }

 private:
  // A frame that is aligned beyond the stack has a gap of unknown size before it, of which LLVM does not tell.
  int64_t frame(const llvm::Function& function) const {
    const int64_t return_address = target_.is_x86() ? 8 : 0;
    const auto found = frames_.find(function.getName().str());
    if (found == frames_.end()) return return_address;
    const int64_t stack_alignment = static_cast<int64_t>(module_.getDataLayout().getStackAlignment().value());
    int64_t alignment = target_.is_x86() ? target_.vector_bytes : 0;  // of registers that are put aside
    for (const llvm::Instruction& instruction : llvm::instructions(function)) {
      if (const auto* memory = llvm::dyn_cast<llvm::AllocaInst>(&instruction))
        alignment = std::max(alignment, static_cast<int64_t>(memory->getAlign().value()));
    }
    return found->second + return_address + std::max<int64_t>(0, alignment - stack_alignment);
  }

  // Operands beyond those in registers, where they are pushed outside the frame.
  int64_t pushed_operands(const llvm::CallBase& call) const {
    constexpr int64_t kRegisters = 6, kBytes = 8;
    if (!target_.is_x86()) return 0;
    const int64_t pushed = std::max<int64_t>(0, static_cast<int64_t>(call.arg_size()) - kRegisters);
    return (pushed + pushed % 2) * kBytes;
  }

  const llvm::Module& module_;
  const std::map<std::string, int64_t>& frames_;
  const Target& target_;
  std::map<const llvm::Function*, std::optional<int64_t>> known_;
};

}  // namespace

void ask_for_frames(llvm::Module& module) {
  for (llvm::Function& function : module) {
    if (!function.isDeclaration()) function.addFnAttr("warn-stack-size", "0");
  }
}

std::vector<StackUse> stack_use(const llvm::Module& module, const std::map<std::string, int64_t>& frames,
                                const Target& target) {
  CallTree tree(module, frames, target);
  std::vector<StackUse> result;
  for (const llvm::Function& function : module) {
    if (function.isDeclaration() || function.hasLocalLinkage()) continue;
    result.push_back({function.getName().str(), tree.bytes(function)});
  }
  return result;
}

}  // namespace tsc::codegen
