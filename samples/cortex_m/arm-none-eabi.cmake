# For CMake's -DCMAKE_TOOLCHAIN_FILE: GCC for ARM's microcontrollers. BOARD is one of QEMU's machines.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES BOARD)

set(BOARD mps2-an386 CACHE STRING "mps2-an386 (Cortex-M4), mps2-an500 (Cortex-M7) or mps3-an547 (Cortex-M55)")
set(cpu_mps2-an386 "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16")
set(cpu_mps2-an500 "-mcpu=cortex-m7 -mfpu=fpv5-d16")
set(cpu_mps3-an547 "-mcpu=cortex-m55")
set(CMAKE_C_FLAGS_INIT "${cpu_${BOARD}} -mthumb -mfloat-abi=hard -ffunction-sections -fdata-sections")
set(CMAKE_CXX_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")
set(CMAKE_EXE_LINKER_FLAGS_INIT
  "-nostartfiles --specs=nosys.specs -Wl,--gc-sections -Wl,-L${CMAKE_CURRENT_LIST_DIR} -T${CMAKE_CURRENT_LIST_DIR}/${BOARD}.ld")
