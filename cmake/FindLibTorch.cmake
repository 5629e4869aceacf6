# LibTorch as the torch wheel ships it, as the imported target `libtorch`. Torch's own CMake package is not used: it
# looks for the CUDA and MKL of the machine it was built on, and the compiler needs three libraries.
execute_process(
  COMMAND ${TSC_PYTHON} -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
  OUTPUT_VARIABLE TSC_TORCH_DIR OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
# The wheel's include folder also has copies of other libraries (fmt, pybind11), which must not hide ours.
set(TSC_TORCH_INCLUDE ${PROJECT_BINARY_DIR}/libtorch_include)
file(MAKE_DIRECTORY ${TSC_TORCH_INCLUDE})
foreach(folder ATen c10 caffe2 torch)
  file(CREATE_LINK ${TSC_TORCH_DIR}/include/${folder} ${TSC_TORCH_INCLUDE}/${folder} SYMBOLIC)
endforeach()
add_library(libtorch INTERFACE)
target_include_directories(libtorch SYSTEM INTERFACE ${TSC_TORCH_INCLUDE})
target_link_libraries(libtorch INTERFACE
  ${TSC_TORCH_DIR}/lib/libtorch.so ${TSC_TORCH_DIR}/lib/libtorch_cpu.so ${TSC_TORCH_DIR}/lib/libc10.so)
target_link_options(libtorch INTERFACE -Wl,-rpath,${TSC_TORCH_DIR}/lib)
