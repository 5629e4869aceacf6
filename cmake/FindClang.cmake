# LLVM, Clang and LLD 19 as Debian ships them, as the imported target `clang_lld`. LLD's archives use the zlib and zstd
# that libLLVM itself needs, so no development package of them is asked for.
set(TSC_LLVM_DIR /usr/lib/llvm-19 CACHE PATH "Root of LLVM 19")
find_library(TSC_ZLIB NAMES libz.so.1 z REQUIRED)
find_library(TSC_ZSTD NAMES libzstd.so.1 zstd REQUIRED)
add_library(clang_lld INTERFACE)
target_include_directories(clang_lld SYSTEM INTERFACE ${TSC_LLVM_DIR}/include)
target_link_libraries(clang_lld INTERFACE
  ${TSC_LLVM_DIR}/lib/liblldELF.a ${TSC_LLVM_DIR}/lib/liblldCommon.a
  ${TSC_LLVM_DIR}/lib/libclang-cpp.so.19.1 ${TSC_LLVM_DIR}/lib/libLLVM.so.19.1 ${TSC_ZLIB} ${TSC_ZSTD})
