# LLVM, Clang and LLD 19 as Debian ships them, as the imported target `clang_lld`.
set(TSC_LLVM_DIR /usr/lib/llvm-19 CACHE PATH "Root of LLVM 19")
add_library(clang_lld INTERFACE)
target_include_directories(clang_lld SYSTEM INTERFACE ${TSC_LLVM_DIR}/include)
target_link_libraries(clang_lld INTERFACE
  ${TSC_LLVM_DIR}/lib/liblldELF.a ${TSC_LLVM_DIR}/lib/liblldCommon.a
  ${TSC_LLVM_DIR}/lib/libclang-cpp.so.19.1 ${TSC_LLVM_DIR}/lib/libLLVM.so.19.1)
