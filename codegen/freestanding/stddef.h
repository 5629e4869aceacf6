// The part of <stddef.h> that emitted code uses, for compiling it inside `tsc`; other compilers bring their own.
#ifndef TSC_FREESTANDING_STDDEF_H
#define TSC_FREESTANDING_STDDEF_H

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
#ifdef __cplusplus
typedef decltype(nullptr) nullptr_t;
#define NULL __null
#else
#define NULL ((void*)0)
#endif
#define offsetof(type, member) __builtin_offsetof(type, member)

#endif
