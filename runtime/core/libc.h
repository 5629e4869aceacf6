// The functions of the C library that the runtime calls, under C++ names of its own with the library's symbols, so that
// produced source includes no libc header (cross compilation needs no sysroot) and still can stand beside one.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tsc::libc {

struct Time {
  long seconds;
  long nanoseconds;
};

#define TSC_SYMBOL(name) noexcept __asm__(#name)
void* malloc(size_t bytes) TSC_SYMBOL(malloc);
void free(void* block) TSC_SYMBOL(free);
int vsnprintf(char* buffer, size_t bytes, const char* format, __builtin_va_list arguments) TSC_SYMBOL(vsnprintf)
    __attribute__((format(printf, 3, 0)));
int snprintf(char* buffer, size_t bytes, const char* format, ...) TSC_SYMBOL(snprintf)
    __attribute__((format(printf, 3, 4)));
double strtod(const char* text, char** end) TSC_SYMBOL(strtod);
double lgamma_r(double x, int* sign) TSC_SYMBOL(lgamma_r);
double j0(double x) TSC_SYMBOL(j0);
double j1(double x) TSC_SYMBOL(j1);
double y0(double x) TSC_SYMBOL(y0);
double y1(double x) TSC_SYMBOL(y1);
intptr_t write(int file, const void* data, size_t bytes) TSC_SYMBOL(write);
int sched_yield() TSC_SYMBOL(sched_yield);
int sched_getcpu() TSC_SYMBOL(sched_getcpu);
int getpid() TSC_SYMBOL(getpid);
int getpagesize() TSC_SYMBOL(getpagesize);
int madvise(void* address, size_t bytes, int advice) TSC_SYMBOL(madvise);
int clock_gettime(int clock, Time* time) TSC_SYMBOL(clock_gettime);
long syscall(long number, ...) TSC_SYMBOL(syscall);
int pthread_create(uintptr_t* thread, const void* attributes, void* (*start)(void*), void* argument)
    TSC_SYMBOL(pthread_create);
int pthread_join(uintptr_t thread, void** result) TSC_SYMBOL(pthread_join);
int pthread_getaffinity_np(uintptr_t thread, size_t bytes, void* cpus) TSC_SYMBOL(pthread_getaffinity_np);
int pthread_setaffinity_np(uintptr_t thread, size_t bytes, const void* cpus) TSC_SYMBOL(pthread_setaffinity_np);
#undef TSC_SYMBOL

// Builtins: the compiler expands them or calls the library's. With no bytes, the pointers may be null.
inline void memcpy(void* to, const void* from, size_t bytes) {
  if (bytes != 0) __builtin_memcpy(to, from, bytes);
}
inline void memmove(void* to, const void* from, size_t bytes) {
  if (bytes != 0) __builtin_memmove(to, from, bytes);
}
inline void memset(void* to, int byte, size_t bytes) {
  if (bytes != 0) __builtin_memset(to, byte, bytes);
}
inline int memcmp(const void* a, const void* b, size_t bytes) { return bytes == 0 ? 0 : __builtin_memcmp(a, b, bytes); }
inline size_t strlen(const char* text) { return __builtin_strlen(text); }
inline int strcmp(const char* a, const char* b) { return __builtin_strcmp(a, b); }

}  // namespace tsc::libc
